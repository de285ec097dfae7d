/** The queueing tree of one device: a class and a leaf for every combination of overlapping layers. Pure. */
import { sumOfDelays } from './netem-limits.ts';
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

/**
 * What the leaves of netem in one namespace hold at most: memory of the kernel that belongs to no cgroup, because netem takes a
 * packet from its socket. netem counts packets, and one of TCP or QUIC that is not split yet (GSO) is 64 KiB.
 */
export const HELD_BYTES = 256 * 2 ** 20;

/** The memory of such a packet: its bytes, the pages that they do not fill, and what describes it. */
const LARGEST_MEMORY = 72 * 1024;

/** However many leaves share the budget: with less, ordinary traffic would be lost. From seven overlapping layers on it counts. */
const LEAST_LEAF_PACKETS = 32;

/** Faster than any interface, so that it is the class above that holds packets back. */
const UNLIMITED = '100gbit';

/** How many bytes a class of unlimited rate may send before the next has its turn. */
const QUANTUM = 200_000;

/** Where a tree is. */
export interface Place {
  /** Of its device, in bytes. */
  readonly mtu: number;
  /** On an IFB device, for what the pod receives. */
  readonly receives: boolean;
  /** How many trees of the namespace share its memory. */
  readonly trees: number;
}

/** Every combination of marks that a packet may carry, with what all its layers together do to it. */
export function treeOf(shapes: readonly Shape[], place: Place): Tree {
  const leaves = new Map<string, Leaf>();
  const share = HELD_BYTES / LARGEST_MEMORY / place.trees / (2 ** shapes.length - 1);
  const packets = Math.max(LEAST_LEAF_PACKETS, Math.floor(share));
  for (let chosen = 1; chosen < 2 ** shapes.length; chosen++) {
    const members = shapes.filter((_, index) => (chosen & (1 << index)) !== 0);
    const marks = members.reduce((sum, shape) => sum | shape.mark, 0);
    leaves.set(classOf(marks), leafOf(marks, members, place, packets));
  }
  const limits = shapes.flatMap(({ mark, limit }): [string, string][] =>
    limit === undefined ? [] : [[limitClassOf(mark), limitArguments(limit, limit.rateBits)]],
  );
  return { limits: new Map(limits), leaves };
}

function leafOf(marks: number, members: readonly Shape[], place: Place, packets: number): Leaf {
  const tightest = members
    .filter((shape) => shape.limit !== undefined)
    .toSorted((a, b) => (a.limit?.rateBits ?? 0) - (b.limit?.rateBits ?? 0) || a.mark - b.mark)[0];
  const limit = tightest?.limit;
  const { netem, waitMs } = netemOf(members, limit, packets);
  return {
    name: classOf(marks),
    marks,
    parent: tightest === undefined ? ROOT_HANDLE : limitClassOf(tightest.mark),
    // A class has to be guaranteed something; what it borrows beyond that is what the limit has left.
    htb:
      limit === undefined
        ? `rate ${UNLIMITED} quantum ${QUANTUM}`
        : limitArguments(limit, Math.max(8, Math.floor(limit.rateBits / 1000))),
    qdisc: netem ?? queueOf(limit, place),
    longestMs: waitMs + (limit?.latencyMs ?? 0),
  };
}

function limitArguments({ rateBits, burstBytes }: Limit, guaranteedBits: number): string {
  const quantum = Math.min(QUANTUM, Math.max(1600, Math.round(rateBits / 8 / 100)));
  return `rate ${guaranteedBits}bit ceil ${rateBits}bit burst ${burstBytes} cburst ${burstBytes} quantum ${quantum}`;
}

/** What passes in that time. */
const queuedBytes = ({ rateBits }: Limit, waitMs: number): number => Math.ceil(((rateBits / 8) * waitMs) / 1000);

/**
 * Delays add up. Independent jitters add up in variance, so that the deviation that is measured is the right one. Without
 * delay and corruption there is no netem.
 */
function netemOf(
  shapes: readonly Shape[],
  limit: Limit | undefined,
  mostPackets: number,
): { netem?: string; waitMs: number } {
  const { latencyMs, jitterMs } = sumOfDelays(shapes);
  const correlation = Math.max(...shapes.map((shape) => shape.correlationPercent));
  const jitter = jitterMs === 0 ? '' : ` ${microseconds(jitterMs)}${correlation === 0 ? '' : ` ${correlation}%`}`;
  const waitMs = latencyMs + jitterMs;
  const effects = [
    ...(latencyMs === 0 ? [] : [`delay ${microseconds(latencyMs)}${jitter}`]),
    ...(shapes.some((shape) => shape.corrupts) ? ['corrupt 100%'] : []),
  ];
  if (effects.length === 0) return { waitMs };
  const packets =
    limit === undefined
      ? mostPackets
      : 10 + Math.ceil((queuedBytes(limit, waitMs + limit.latencyMs) + limit.burstBytes) / 1500);
  return { netem: `netem ${effects.join(' ')} limit ${Math.min(mostPackets, packets)}`, waitMs };
}

/** The largest packet that Linux puts into a queue as one (GSO, GRO), as qdiscs count it: with the headers of all its parts. */
const LARGEST_PACKET = 70_000;

/** A limit's queue holds no more: long ones of fast limits would take memory without end. */
const MOST_QUEUED_BYTES = 64 * 2 ** 20;

/** A tbf on one slow processor splits 1.7 Gbit/s (Linux 6.18). */
const SPLIT_WITH_EASE_BITS = 1e9;

/** A packet that goes whole is there at once, and what is behind it waits for so long at most. */
const LONGEST_LUMP_SECONDS = 0.01;
const LUMPY_BITS = (LARGEST_PACKET * 8) / LONGEST_LUMP_SECONDS;

/**
 * The queue of a limit. A slow one begins with a tbf, too fast to hold anything back, which splits what TCP passes on at once:
 * htb lets go of a packet whole as soon as its debt is paid, and 64 KiB take half a second at 1 Mbit/s. TCP loses next to nothing in it
 * that has room for two such packets, since Linux keeps two or three of a connection in a queue and the rest in the socket (TCP
 * small queues); in a shorter one it loses packets as in a router's.
 *
 * A fast one takes them as they are, when it has room for two: nothing is split in software then. A shorter queue would never take
 * such a packet, and BBR would come to a standstill (Linux 6.18: 0.05 of 10 Mbit/s, findings/bfifo-below-gso-stops-bbr.sh).
 *
 * What TCP sends to the pod is split at more rates, since its sender does not know of this queue: it loses one part of a large
 * packet in place of all 45 then.
 */
function queueOf(limit: Limit | undefined, { mtu, receives }: Place): string {
  const bytes = limit === undefined ? 0 : queuedBytes(limit, limit.latencyMs);
  const whole = (limit?.rateBits ?? 0) > (receives ? SPLIT_WITH_EASE_BITS : LUMPY_BITS);
  if (whole && bytes >= 2 * LARGEST_PACKET) return `bfifo limit ${Math.min(MOST_QUEUED_BYTES, bytes - LARGEST_PACKET)}`;
  const frame = mtu + 100;
  return `tbf rate ${UNLIMITED} burst ${frame} limit ${Math.min(MOST_QUEUED_BYTES, Math.max(frame, bytes))}`;
}

const microseconds = (ms: number): string => `${Math.round(ms * 1000)}us`;

/** tc commands that create what is missing and correct what differs; an existing root of ChaosPlane is kept. */
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
      `qdisc replace dev ${device} parent ${name} handle ${handleOf(marks, qdisc)} ${qdisc}`,
    ]),
  ];
}

/** The kernel refuses to replace a leaf by one of another kind under the same handle, as one found of an older daemon may be. */
function handleOf(marks: number, qdisc: string): string {
  const handle = leafHandleOf(marks);
  return qdisc.startsWith('bfifo') ? handle.replace('c5', 'c6') : handle;
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
