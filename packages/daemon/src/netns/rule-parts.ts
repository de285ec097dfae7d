/** What rules of all base chains are made of. Pure. */
import type { Direction } from '../model/layer.ts';
import { hex, layerNames } from './names.ts';
import { inTree, type PlacedLayer } from './placed-layer.ts';

const LINK_MESSAGES = [
  'nd-router-solicit',
  'nd-router-advert',
  'nd-neighbor-solicit',
  'nd-neighbor-advert',
  'mld-listener-query',
  'mld-listener-report',
  'mld-listener-done',
  'mld2-listener-report',
] as const;

/**
 * Neighbour discovery is to IPv6 what ARP is to IPv4: part of the link, not of the traffic. Bridges that snoop find the way for it
 * by multicast listener discovery.
 */
export const SPARE_THE_LINK = `icmpv6 type { ${LINK_MESSAGES.join(', ')} } accept`;

/** Takes those bits out of the packet's mark. */
export const clear = (bits: number): string => `meta mark set meta mark and ${hex(~bits)}`;

/** Matches packets whose mark has one of those bits. */
export const has = (bits: number): string => `meta mark and ${hex(bits)} != 0`;

/** The bits of all the layers. */
export const bitsOf = (layers: readonly PlacedLayer[]): number => layers.reduce((bits, { mark }) => bits | mark, 0);

/** The bits of those that shape in a tree. */
export const treeBits = (layers: readonly PlacedLayer[]): number =>
  bitsOf(layers.filter(({ engine }) => inTree(engine)));

/** Whether it sends packets twice. */
export const copies = ({ layer }: PlacedLayer): boolean => layer.effect.kind === 'duplicate';

/** One rule a layer, that takes packets to its scope while it lives. `here`: a match in front. */
export const jumps = (layers: readonly PlacedLayer[], direction: Direction, here = ''): string[] =>
  layers.map(
    ({ layer }) => `${here}meta protocol @${layerNames.live(layer)} jump ${layerNames.scope(layer, direction)}`,
  );

/** Where the table of the TAP devices hooks in: behind the layers that set marks (0). */
export const TAP_PRIORITY = 1;

/** A base chain at a device. */
export const hookAt = (direction: Direction, device: string, priority = 0): string =>
  `type filter hook ${direction} device "${device}" priority ${priority} ;`;
