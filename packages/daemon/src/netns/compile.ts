/** What all layers of one network namespace add up to: nft tables, queueing trees, the queue engine's policy. Pure. */
import type { QueuePolicy } from '../host/host.ts';
import type { Direction, Layer } from './layer.ts';
import { classOf, hex, layerNames, MARK_MASK, TABLE } from './names.ts';
import { peerSets } from './peers.ts';
import type { Chain, Table } from './ruleset.ts';
import { livenessSet, scopeChains } from './scope.ts';
import { leavesOf, type Leaves, type Shape } from './shaping.ts';

/** What carries a layer out: nft alone, netem leaves under our HTB tree, or the queue engine in user space. */
export type Engine = 'nft' | 'netem' | 'queue';

/** Where our chains hook in: at the device, or in the inet hooks of kernels whose devices have no egress hook (< 5.16). */
export type Hooks = 'netdev' | 'inet';

/** A layer, and how this node carries it out. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly engine: Engine;
  readonly hooks: Hooks;
  /** Its bit of the mark; 0 for a layer that only drops. */
  readonly mark: number;
  /** Milliseconds until the kernel ends it. */
  readonly remainingMs: number;
}

/** The whole desired state of a namespace. */
export interface Desired {
  readonly tables: readonly Table[];
  /** The leaves of each device that shapes; a device that is absent has no tree of ours. */
  readonly trees: ReadonlyMap<string, Leaves>;
  /** Absent: the queue engine has nothing to do here. */
  readonly queue?: QueuePolicy;
}

/** Compiles the layers, in the order given, into what the namespace should hold. Deterministic and total. */
export function compile(layers: readonly PlacedLayer[]): Desired {
  // Droppers first: a packet that is lost must not be counted as delayed.
  const ordered = [...layers.filter((placed) => placed.mark === 0), ...layers.filter((placed) => placed.mark !== 0)];
  const tables = (['netdev', 'inet'] as const).flatMap((family) => {
    const members = ordered.filter((placed) => placed.hooks === family);
    return members.length === 0 ? [] : [tableOf(family, members)];
  });
  const queued = layers.filter((placed) => placed.engine === 'queue');
  const netem = Map.groupBy(
    layers.filter((placed) => placed.engine === 'netem'),
    (placed) => placed.layer.scope.interface,
  );
  return {
    tables,
    trees: new Map([...netem].map(([device, members]) => [device, leavesOf(members.map(shapeOf))])),
    ...(queued.length === 0
      ? {}
      : {
          queue: { mask: MARK_MASK, layers: queued.map(shapeOf).map(({ mark, ...rest }) => ({ bit: mark, ...rest })) },
        }),
  };
}

function shapeOf(placed: PlacedLayer): Shape {
  const { effect } = placed.layer;
  const still = { latencyMs: 0, jitterMs: 0, correlationPercent: 0 };
  if (effect.kind !== 'delay') return { mark: placed.mark, ...still };
  const { latencyMs, jitterMs, correlationPercent } = effect;
  return { mark: placed.mark, latencyMs, jitterMs, correlationPercent };
}

function tableOf(family: Hooks, members: readonly PlacedLayer[]): Table {
  return {
    family,
    name: TABLE,
    counters: members.flatMap(({ layer }) => [
      layerNames.matched(layer),
      ...(layer.effect.kind === 'delay' ? [] : [layerNames.dropped(layer)]),
    ]),
    sets: members.flatMap(({ layer, remainingMs }) => [livenessSet(layer, remainingMs), ...peerSets(layer)]),
    chains: [
      ...members.flatMap(({ layer, mark }) => [
        { name: layerNames.hit(layer), rules: hitRules(layer, mark) },
        ...layer.scope.directions.flatMap((direction) => scopeChains(layer, direction)),
      ]),
      ...steeringChains(members),
      ...baseChains(family, members),
    ],
  };
}

/** What happens to a packet in scope. */
function hitRules(layer: Layer, mark: number): string[] {
  const matched = `counter name ${layerNames.matched(layer)}`;
  const drop = `counter name ${layerNames.dropped(layer)} drop`;
  switch (layer.effect.kind) {
    case 'partition':
      return [matched, drop];
    case 'loss': {
      // nft refuses a comparison that is always true: `numgen random mod 100000 < 100000`.
      const share = Math.max(1, Math.round(layer.effect.percent * 1000));
      return [matched, share >= 100_000 ? drop : `numgen random mod 100000 < ${share} ${drop}`];
    }
    case 'delay':
      return [matched, `meta mark set meta mark or ${hex(mark)}`];
  }
}

/** Steers marked packets to the class of their combination and clears the bits. The queue engine clears them itself. */
function steeringChains(members: readonly PlacedLayer[]): Chain[] {
  const netem = members.filter((placed) => placed.engine === 'netem');
  if (netem.length === 0) return [];
  const classes = [...leavesOf(netem.map(shapeOf)).values()].map(({ marks }) => `${hex(marks)} : ${classOf(marks)}`);
  return [
    {
      name: 'steer',
      rules: [
        `meta priority set meta mark and ${hex(MARK_MASK)} map { ${classes.join(', ')} }`,
        `meta mark set meta mark and ${hex(~MARK_MASK)}`,
      ],
    },
  ];
}

function baseChains(family: Hooks, members: readonly PlacedLayer[]): Chain[] {
  return (['egress', 'ingress'] as const).flatMap((direction) => {
    const here = members.filter(({ layer }) => layer.scope.directions.includes(direction));
    return [...Map.groupBy(here, ({ layer }) => layer.scope.interface)].map(([device, layers]) => ({
      name: `${direction}_${device}`,
      hook: hookOf(family, direction, device),
      rules: baseRules(family, direction, device, layers),
    }));
  });
}

/** In the inet family before the queue table's chain (priority -149), so that the marks are there when it looks. */
function hookOf(family: Hooks, direction: Direction, device: string): string {
  if (family === 'netdev') return `type filter hook ${direction} device "${device}" priority 0 ;`;
  return `type filter hook ${direction === 'egress' ? 'postrouting' : 'prerouting'} priority -150 ;`;
}

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

function baseRules(family: Hooks, direction: Direction, device: string, layers: readonly PlacedLayer[]): string[] {
  const here = family === 'netdev' ? '' : `${direction === 'egress' ? 'oifname' : 'iifname'} "${device}" `;
  const shaping = layers.filter((placed) => placed.mark !== 0);
  const marked = `meta mark and ${hex(MARK_MASK)} != 0`;
  return [
    // Neighbour discovery is to IPv6 what ARP is to IPv4: part of the link, not of the traffic. Bridges that snoop find the way
    // for it by multicast listener discovery.
    `icmpv6 type { ${LINK_MESSAGES.join(', ')} } accept`,
    // A mark in our range that somebody else left would steer a packet that is in nobody's scope.
    ...(shaping.length === 0 ? [] : [`${here}${marked} meta mark set meta mark and ${hex(~MARK_MASK)}`]),
    ...layers.map(
      ({ layer }) => `${here}meta protocol @${layerNames.live(layer)} jump ${layerNames.scope(layer, direction)}`,
    ),
    ...(shaping.some((placed) => placed.engine === 'netem') ? [`${here}${marked} jump steer`] : []),
  ];
}
