/** The queueing tree of one device: a class and a netem leaf for every combination of overlapping layers. Pure. */
import { classOf, leafHandleOf, ROOT_HANDLE } from './names.ts';

/*
 *  root c4a0: htb default 0          what is not steered goes straight out (74 Gbit/s on one stream, as without a qdisc)
 *   ├─ class c4a0:1 ── leaf c501: netem     packets in the scope of layer 1 alone
 *   ├─ class c4a0:2 ── leaf c502: netem     … of layer 2 alone
 *   └─ class c4a0:3 ── leaf c503: netem     … of both: the delays added up
 */

/** What one layer does to the packets that carry its mark. */
export interface Shape {
  /** The layer's bit of the mark. */
  readonly mark: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly correlationPercent: number;
}

/** The netem leaves of one device by class: `c4a0:3` → `delay 300000us`. */
export type Leaves = ReadonlyMap<string, Leaf>;

/** One class with its leaf. */
export interface Leaf {
  /** The marks that are steered here. */
  readonly marks: number;
  /** netem's arguments. */
  readonly netem: string;
  /** The longest a packet may wait in it, in milliseconds. */
  readonly longestMs: number;
}

/** netem's own queue, in packets: a longer delay on a fast link needs room, and a full queue would lose packets. */
const LEAF_LIMIT_PACKETS = 100_000;

/** Every combination of marks that a packet may carry, with what all its layers together do to it. */
export function leavesOf(shapes: readonly Shape[]): Leaves {
  const leaves = new Map<string, Leaf>();
  for (let chosen = 1; chosen < 2 ** shapes.length; chosen++) {
    const members = shapes.filter((_, index) => (chosen & (1 << index)) !== 0);
    const marks = members.reduce((sum, shape) => sum | shape.mark, 0);
    leaves.set(classOf(marks), { marks, ...netemOf(members) });
  }
  return leaves;
}

/** Delays add up. Independent jitters add up in variance, so that the deviation that is measured is the right one. */
function netemOf(shapes: readonly Shape[]): { netem: string; longestMs: number } {
  const latencyMs = shapes.reduce((sum, shape) => sum + shape.latencyMs, 0);
  const jitterMs = Math.sqrt(shapes.reduce((sum, shape) => sum + shape.jitterMs ** 2, 0));
  const correlation = shapes.length === 1 ? (shapes[0]?.correlationPercent ?? 0) : 0;
  const jitter = jitterMs === 0 ? '' : ` ${microseconds(jitterMs)}${correlation === 0 ? '' : ` ${correlation}%`}`;
  return {
    netem: `delay ${microseconds(latencyMs)}${jitter} limit ${LEAF_LIMIT_PACKETS}`,
    longestMs: latencyMs + jitterMs,
  };
}

const microseconds = (ms: number): string => `${Math.round(ms * 1000)}us`;

/** tc commands that create what is missing and correct what differs; an existing root of ours is kept. */
export function addCommands(device: string, present: Leaves | undefined, wanted: Leaves): string[] {
  if (wanted.size === 0) return [];
  const missing = [...wanted].filter(([name, leaf]) => present?.get(name)?.netem !== leaf.netem);
  return [
    ...(present === undefined ? [`qdisc add dev ${device} root handle ${ROOT_HANDLE} htb default 0`] : []),
    // `replace`, because a daemon that was killed in the middle may have left a class without its leaf.
    ...missing.flatMap(([name, leaf]) => [
      `class replace dev ${device} parent ${ROOT_HANDLE} classid ${name} htb rate 100gbit quantum 200000`,
      `qdisc replace dev ${device} parent ${name} handle ${leafHandleOf(leaf.marks)} netem ${leaf.netem}`,
    ]),
  ];
}

/** tc commands that remove what is no longer wanted. Packets that still wait in a removed leaf are lost: drain it first. */
export function removeCommands(device: string, present: Leaves | undefined, wanted: Leaves): string[] {
  if (present === undefined) return [];
  // Naming the handle makes the kernel refuse when the root is not ours.
  if (wanted.size === 0) return [`qdisc del dev ${device} root handle ${ROOT_HANDLE}`];
  return [...present.keys()]
    .filter((name) => !wanted.has(name))
    .map((name) => `class del dev ${device} classid ${name}`);
}
