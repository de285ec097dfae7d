/** The names and numbers by which everything of ChaosPlane in a network namespace is recognised. */
import { hashOf } from '@chaosplane/common';
import type { Direction, Layer } from '../model/layer.ts';

/** Our nft table, in the families `netdev` and `inet`. */
export const TABLE = 'chaosplane';

/** The inet table whose one rule passes marked packets to the queue backend. */
export const QUEUE_TABLE = 'chaosplane_queue';

/** The netdev table whose rules hand marked packets to the TAP devices of the user-space backend. It dies with the daemon. */
export const TAP_TABLE = 'chaosplane_tap';

/** The NFQUEUE number inside a namespace; queue numbers belong to the namespace, so one number serves all. */
export const QUEUE_NUMBER = 0xc4a0;

/**
 * The number of a queue that has no listener: a packet that a rule without bypass sends there is freed, and its sender is told of
 * success. A verdict `drop` in the same hook answers the sender with EPERM.
 * https://elixir.bootlin.com/linux/v6.1/source/net/netfilter/nf_queue.c#L238
 */
export const SINK_QUEUE = 0xc4a1;

/** Major number of our root qdisc, in tc's hexadecimal notation. */
export const ROOT_MAJOR = 'c4a0';

/** Handle of our root qdisc, as tc prints it. */
export const ROOT_HANDLE = `${ROOT_MAJOR}:`;

/**
 * The bits of the packet mark that are ours, one for each overlapping layer that shapes packets. They live from our first
 * rule to our last one only. kube-proxy (0x4000, 0x8000) and Istio (1337) use others.
 */
export const MARK_MASK = 0x00ff_0000;

/**
 * Our bit that tells a copy of a packet from its original, and on the way to the IFB a packet that is to be copied. The two bits
 * below it are the proxies'.
 */
export const COPY_MARK = 0x0400_0000;

/**
 * The priority of a packet that comes back from the TAP device of the layer with that mark: one of our own classes, which no tree
 * has. A mark would not do: a socket of the pod may have set any bit of it. The lowest four bits, by which simple qdiscs choose
 * their band, are those of a packet without a priority.
 */
export function tapPriorityOf(mark: number): number {
  return 0xc4a0_f000 + (Math.log2(minorOf(mark)) << 4);
}

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

/** The marks that are steered to a class: what `classOf` gave. */
export function marksOf(name: string): number {
  return (Number.parseInt(name.slice(name.indexOf(':') + 1), 16) << MARK_SHIFT) & MARK_MASK;
}

/** The class that all packets of one bandwidth share, in which their combinations' classes are: `c4a0:101`. */
export function limitClassOf(mark: number): string {
  return `${ROOT_MAJOR}:${(0x101 + Math.log2(minorOf(mark))).toString(16)}`;
}

/** What the TAP devices of the user-space backend are called. */
export const TAP_PREFIX = 'cptap';

/** The TAP device in which packets of a layer wait that leave by the device of that number; at most 15 characters. */
export function tapOf(mark: number, deviceIndex: number): string {
  return `${tapPrefixOf(mark)}${deviceIndex.toString(36)}`;
}

/** How the names of a layer's TAP devices begin. */
export function tapPrefixOf(mark: number): string {
  return `${TAP_PREFIX}${Math.log2(minorOf(mark))}-`;
}

/** Whether a device of that name is one of ChaosPlane's. */
export function isOurDevice(name: string): boolean {
  return name.startsWith(IFB_PREFIX) || name.startsWith(TAP_PREFIX);
}

/** What our IFB devices are called. */
export const IFB_PREFIX = 'cpifb-';

const LONGEST_DEVICE_NAME = 15;

/** The IFB device through which packets take their way that come in by `device`. */
export function ifbOf(device: string): string {
  const name = `${IFB_PREFIX}${device}`;
  if (name.length <= LONGEST_DEVICE_NAME) return name;
  return `${IFB_PREFIX}${hashOf(device).toString(16).padStart(8, '0')}`;
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
  /** Packets that a dropper, a copier or a corruption chose. */
  affected: (layer: Layer) => `${layer.id}_${hitWords[layer.effect.kind]}`,
  scope: (layer: Layer, direction: Direction) => `${layer.id}_${direction}`,
  /** Fragmented datagrams whose first fragment was in scope: the other fragments have no ports. */
  fragments: (layer: Layer, family: 4 | 6) => `${layer.id}_frags${family}`,
  /** Where packets of a peer go on, when peers have ports of their own. */
  peer: (layer: Layer, direction: Direction) => `${layer.id}_${direction}_peer`,
  /** A copier copies what leaves, and marks what comes in. */
  hit: (layer: Layer, direction: Direction) =>
    layer.effect.kind === 'duplicate' ? `${layer.id}_hit_${direction}` : `${layer.id}_hit`,
  /** Where chosen packets go on, when a datagram's later fragments are treated as its first. */
  act: (layer: Layer, direction: Direction) => `${layerNames.hit(layer, direction)}_act`,
  /** Where later fragments of a chosen datagram go. */
  rest: (layer: Layer, direction: Direction) => `${layerNames.hit(layer, direction)}_rest`,
} as const;

const hitWords: Readonly<Record<Layer['effect']['kind'], string>> = {
  loss: 'dropped',
  partition: 'dropped',
  duplicate: 'duplicated',
  corrupt: 'corrupted',
  delay: 'delayed',
  bandwidth: 'shaped',
};
