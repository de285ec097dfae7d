/** The names and numbers by which everything of ours in a network namespace is recognised. */
import type { Direction, Layer } from './layer.ts';

/** Our nft table, in the families `netdev` and `inet`. */
export const TABLE = 'chaosplane';

/** The inet table whose one rule hands marked packets to the queue engine. */
export const QUEUE_TABLE = 'chaosplane_queue';

/** The NFQUEUE number inside a namespace; queue numbers belong to the namespace, so one number serves all. */
export const QUEUE_NUMBER = 0xc4a0;

/** Major number of our root qdisc, in tc's hexadecimal notation. */
export const ROOT_MAJOR = 'c4a0';

/** Handle of our root qdisc, as tc prints it. */
export const ROOT_HANDLE = `${ROOT_MAJOR}:`;

/**
 * The bits of the packet mark that are ours, one for each overlapping layer that shapes packets. They live from our first
 * rule to our last one only. kube-proxy (0x4000, 0x8000) and Istio (1337) use others.
 */
export const MARK_MASK = 0x00ff_0000;

/** How many shaping layers one namespace can hold: one bit of the mask each. */
export const MARK_BITS = 8;

const MARK_SHIFT = 16;

/** The mark of shaping layer number `index` (0 to 7). */
export function markOf(index: number): number {
  return 1 << (MARK_SHIFT + index);
}

/** The HTB class of a combination of marks: its minor number, 1 to 255. */
export function minorOf(marks: number): number {
  return (marks & MARK_MASK) >>> MARK_SHIFT;
}

/** The class a combination of marks is steered to, as nft and tc write it: `c4a0:3`. */
export function classOf(marks: number): string {
  return `${ROOT_MAJOR}:${minorOf(marks).toString(16)}`;
}

/** Handle of the leaf qdisc under that class: `c503:`. */
export function leafHandleOf(marks: number): string {
  return `${(0xc500 + minorOf(marks)).toString(16)}:`;
}

/** A mark as nft writes it. */
export function hex(mark: number): string {
  return `0x${(mark >>> 0).toString(16).padStart(8, '0')}`;
}

/** Names of what a layer owns in a table. */
export const layerNames = {
  live: (layer: Layer) => `${layer.id}_live`,
  /** `group`: of the peers with ports of their own, counted from 1. */
  peers: (layer: Layer, family: 4 | 6, group?: number) =>
    `${layer.id}_peers${family}${group === undefined ? '' : `_${group}`}`,
  matched: (layer: Layer) => `${layer.id}_matched`,
  dropped: (layer: Layer) => `${layer.id}_dropped`,
  scope: (layer: Layer, direction: Direction) => `${layer.id}_${direction}`,
  /** Where packets of a peer go on, when peers have ports of their own. */
  peer: (layer: Layer, direction: Direction) => `${layer.id}_${direction}_peer`,
  hit: (layer: Layer) => `${layer.id}_hit`,
} as const;
