/** The queueing tree of one device: a class and a leaf for every combination of overlapping layers. Pure. */
import { classOf, leafHandleOf, limitClassOf, MARK_BITS, markOf, marksOf, ROOT_HANDLE } from './names.ts';

/*
 *  root c4a0: htb default 0            what is not steered goes straight out (74 Gbit/s on one stream, as without a qdisc)
 *   ├─ class c4a0:1 ── leaf c501: netem       packets in the scope of layer 1 alone, a delay
 *   └─ class c4a0:102  rate 10mbit            layer 2, a bandwidth: all its packets share this class
 *       ├─ class c4a0:2 ── leaf c502: tbf     … in the scope of layer 2 alone
 *       └─ class c4a0:3 ── leaf c503: netem   … of both
 *
 * With several bandwidths, a combination is in the class of the tightest.
 */

/** A bandwidth as a tree needs it. */
export interface Limit {
  /** Bits a second. */
  readonly rateBits: number;
  readonly burstBytes: number;
  /** Milliseconds that a packet waits for its turn at most. */
  readonly latencyMs: number;
}

/** What one layer does to the packets that carry its mark. */
export interface Shape {
  /** The layer's bit of the mark. */
  readonly mark: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly correlationPercent: number;
  /** Each packet with the mark gets a wrong bit: chance has been asked before. */
  readonly corrupts: boolean;
  /** Absent: nothing is limited. */
  readonly limit?: Limit;
}

/** One class with its leaf. */
export interface Leaf {
  /** The class: `c4a0:3`. */
  readonly name: string;
  /** The marks that are steered here. */
  readonly marks: number;
  /** The class that it is in, or the root. */
  readonly parent: string;
  /** htb's arguments. */
  readonly htb: string;
  /** The leaf qdisc: its kind and arguments. */
  readonly qdisc: string;
  /** The longest a packet may wait in it, in milliseconds. */
  readonly longestMs: number;
}

/** The tree of one device. */
export interface Tree {
  /** The classes that bandwidths share, with htb's arguments; undefined when a tree was found and these are not known. */
  readonly limits: ReadonlyMap<string, string> | undefined;
  /** By class. */
  readonly leaves: ReadonlyMap<string, Leaf>;
}

/** netem's own queue, in packets: a longer delay on a fast link needs room, and a full queue would lose packets. */
const LEAF_LIMIT_PACKETS = 100_000;

/** Faster than any interface, so that it is the class above that holds packets back. */
const UNLIMITED = '100gbit';

/** How many bytes a class of unlimited rate may send before the next has its turn. */
const QUANTUM = 200_000;

/** Every combination of marks that a packet may carry, with what all its layers together do to it. */
export function treeOf(shapes: readonly Shape[], mtu: number): Tree {
  const leaves = new Map<string, Leaf>();
  for (let chosen = 1; chosen < 2 ** shapes.length; chosen++) {
    const members = shapes.filter((_, index) => (chosen & (1 << index)) !== 0);
    const marks = members.reduce((sum, shape) => sum | shape.mark, 0);
    leaves.set(classOf(marks), leafOf(marks, members, mtu));
  }
  const limits = shapes.flatMap(({ mark, limit }): [string, string][] =>
    limit === undefined ? [] : [[limitClassOf(mark), limitArguments(limit, limit.rateBits)]],
  );
  return { limits: new Map(limits), leaves };
}

function leafOf(marks: number, members: readonly Shape[], mtu: number): Leaf {
  const tightest = members
    .filter((shape) => shape.limit !== undefined)
    .toSorted((a, b) => (a.limit?.rateBits ?? 0) - (b.limit?.rateBits ?? 0) || a.mark - b.mark)[0];
  const limit = tightest?.limit;
  const { netem, waitMs } = netemOf(members, limit);
  return {
    name: classOf(marks),
    marks,
    parent: tightest === undefined ? ROOT_HANDLE : limitClassOf(tightest.mark),
    // A class has to be guaranteed something; what it borrows beyond that is what the limit has left.
    htb:
      limit === undefined
        ? `rate ${UNLIMITED} quantum ${QUANTUM}`
        : limitArguments(limit, Math.max(8, Math.floor(limit.rateBits / 1000))),
    qdisc: netem ?? queueOf(limit, mtu),
    longestMs: waitMs + (limit?.latencyMs ?? 0),
  };
}

function limitArguments({ rateBits, burstBytes }: Limit, guaranteedBits: number): string {
  const quantum = Math.min(QUANTUM, Math.max(1600, Math.round(rateBits / 8 / 100)));
  return `rate ${guaranteedBits}bit ceil ${rateBits}bit burst ${burstBytes} cburst ${burstBytes} quantum ${quantum}`;
}

/** What passes in the longest wait, and what may pass at once. */
const queuedBytes = ({ rateBits, burstBytes }: Limit, waitMs: number): number =>
  Math.ceil(((rateBits / 8) * waitMs) / 1000) + burstBytes;

/**
 * Delays add up. Independent jitters add up in variance, so that the deviation that is measured is the right one. Without
 * delay and corruption there is no netem.
 */
function netemOf(shapes: readonly Shape[], limit: Limit | undefined): { netem?: string; waitMs: number } {
  const latencyMs = shapes.reduce((sum, shape) => sum + shape.latencyMs, 0);
  const jitterMs = Math.sqrt(shapes.reduce((sum, shape) => sum + shape.jitterMs ** 2, 0));
  const correlation = Math.max(...shapes.map((shape) => shape.correlationPercent));
  const jitter = jitterMs === 0 ? '' : ` ${microseconds(jitterMs)}${correlation === 0 ? '' : ` ${correlation}%`}`;
  const waitMs = latencyMs + jitterMs;
  const effects = [
    ...(latencyMs === 0 ? [] : [`delay ${microseconds(latencyMs)}${jitter}`]),
    ...(shapes.some((shape) => shape.corrupts) ? ['corrupt 100%'] : []),
  ];
  if (effects.length === 0) return { waitMs };
  const packets =
    limit === undefined ? LEAF_LIMIT_PACKETS : 10 + Math.ceil(queuedBytes(limit, waitMs + limit.latencyMs) / 1500);
  return { netem: `netem ${effects.join(' ')} limit ${Math.min(LEAF_LIMIT_PACKETS, packets)}`, waitMs };
}

const LARGEST_USUAL_FRAME = 10_000;

/**
 * The queue of a limit: a tbf too fast to hold anything back. Unlike bfifo it splits the large packets of TCP (GSO, up to
 * 64 KB), which a short queue would drop whole, so that TCP would stall.
 */
function queueOf(limit: Limit | undefined, mtu: number): string {
  const frame = Math.max(LARGEST_USUAL_FRAME, mtu + 100);
  const bytes = limit === undefined ? 0 : queuedBytes(limit, limit.latencyMs);
  return `tbf rate ${UNLIMITED} burst ${frame} limit ${Math.max(2 * frame, bytes)}`;
}

const microseconds = (ms: number): string => `${Math.round(ms * 1000)}us`;

/** tc commands that create what is missing and correct what differs; an existing root of ours is kept. */
export function addCommands(device: string, present: Tree | undefined, wanted: Tree): string[] {
  if (wanted.leaves.size === 0) return [];
  const limits = [...(wanted.limits ?? [])].filter(([name, htb]) => present?.limits?.get(name) !== htb);
  const missing = [...wanted.leaves].filter(([name, leaf]) => !isSame(present?.leaves.get(name), leaf));
  return [
    ...(present === undefined ? [`qdisc add dev ${device} root handle ${ROOT_HANDLE} htb default 0`] : []),
    // `replace`, because a daemon that was killed in the middle may have left a class without its leaf.
    ...limits.map(([name, htb]) => `class replace dev ${device} parent ${ROOT_HANDLE} classid ${name} htb ${htb}`),
    ...missing.flatMap(([name, { marks, parent, htb, qdisc }]) => [
      `class replace dev ${device} parent ${parent} classid ${name} htb ${htb}`,
      `qdisc replace dev ${device} parent ${name} handle ${leafHandleOf(marks)} ${qdisc}`,
    ]),
  ];
}

const isSame = (a: Leaf | undefined, b: Leaf): boolean => a !== undefined && a.htb === b.htb && a.qdisc === b.qdisc;

/** tc commands that remove what is no longer wanted. Packets that still wait in a removed leaf are lost: drain it first. */
export function removeCommands(device: string, present: Tree | undefined, wanted: Tree | undefined): string[] {
  if (present === undefined) return [];
  // Naming the handle makes the kernel refuse when the root is not ours.
  if (wanted === undefined) return [`qdisc del dev ${device} root handle ${ROOT_HANDLE}`];
  const remove = (name: string): string => `class del dev ${device} classid ${name}`;
  const gone = [...present.leaves.keys()].filter((name) => !wanted.leaves.has(name)).map(remove);
  const limits = (name: string): boolean => wanted.limits?.has(name) !== true;
  if (present.limits !== undefined) return [...gone, ...[...present.limits.keys()].filter(limits).map(remove)];
  // A limit of a tree that was found may be there or not: it is made, so that it can be removed without an error.
  const possible = Array.from({ length: MARK_BITS }, (_, index) => limitClassOf(markOf(index))).filter(limits);
  const make = (name: string): string =>
    `class replace dev ${device} parent ${ROOT_HANDLE} classid ${name} htb rate 8bit`;
  return [...gone, ...possible.flatMap((name) => [make(name), remove(name)])];
}

/** A leaf of a tree that was found: what it does is not known, so it is written again. */
export function foundLeaf(name: string): Leaf {
  return { name, marks: marksOf(name), parent: ROOT_HANDLE, htb: 'unknown', qdisc: 'unknown', longestMs: 0 };
}
