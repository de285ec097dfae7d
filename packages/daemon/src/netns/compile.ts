/** What all layers of one network namespace add up to: nft tables, queueing trees, IFB devices, the queue's policy. Pure. */
import type { QueuePolicy } from '../host/host.ts';
import { baseChains, steeringChains } from './base-chains.ts';
import { countersOf, hitChains, type DeviceWord } from './hit.ts';
import { ifbOf, MARK_MASK, TABLE } from './names.ts';
import { peerSets } from './peers.ts';
import { inTree, shapedDevice, takesIfb, type Hooks, type PlacedLayer } from './placed.ts';
import type { Table } from './ruleset.ts';
import { livenessSet, scopeChains } from './scope.ts';
import { treeOf, type Shape, type Tree } from './shaping.ts';

/** What has to be known of a device. */
export interface Device {
  /** Its number. */
  readonly index: number;
  /** In bytes. */
  readonly mtu: number;
}

/** The devices of a namespace by name. One that is not there (yet) is named in rules, which only a dry run may do. */
export type Devices = ReadonlyMap<string, Device>;

/** The whole desired state of a namespace. */
export interface Desired {
  readonly tables: readonly Table[];
  /** Our IFB devices. */
  readonly ifbs: readonly string[];
  /** The tree of each device that shapes; a device that is absent has no tree of ours. */
  readonly trees: ReadonlyMap<string, Tree>;
  /** Absent: the queue engine has nothing to do here. */
  readonly queue?: QueuePolicy;
}

/** Ethernet's, for devices that are not known. */
const USUAL_MTU = 1500;

/** Compiles the layers, in the order given, into what the namespace should hold. Deterministic and total. */
export function compile(layers: readonly PlacedLayer[], devices: Devices = new Map()): Desired {
  // Droppers first: a packet that is lost must not be counted as delayed. Copies are made of what is left.
  const rank = ({ mark, layer }: PlacedLayer): number => (mark !== 0 ? 2 : layer.effect.kind === 'duplicate' ? 1 : 0);
  const ordered = [0, 1, 2].flatMap((wanted) => layers.filter((placed) => rank(placed) === wanted));
  const word: DeviceWord = (device) => String(devices.get(device)?.index ?? `"${device}"`);
  const tables = (['netdev', 'inet'] as const).flatMap((family) => {
    const members = ordered.filter((placed) => placed.hooks === family);
    return members.length === 0 ? [] : [tableOf(family, members, word)];
  });
  const queued = layers.filter((placed) => placed.engine === 'queue');
  return {
    tables,
    ifbs: [...new Set(layers.filter(takesIfb).map(({ layer }) => ifbOf(layer.scope.interface)))],
    trees: treesOf(layers, devices),
    ...(queued.length === 0 ? {} : { queue: { mask: MARK_MASK, layers: queued.map(queueLayerOf) } }),
  };
}

function treesOf(layers: readonly PlacedLayer[], devices: Devices): ReadonlyMap<string, Tree> {
  const members = layers
    .filter(({ engine }) => inTree(engine))
    .flatMap((placed) =>
      placed.layer.scope.directions.map((direction) => ({ device: shapedDevice(placed.layer, direction), placed })),
    );
  return new Map(
    [...Map.groupBy(members, ({ device }) => device)].map(([device, here]) => {
      const shapes = here.map(({ placed }) => shapeOf(placed));
      return [device, treeOf(shapes, devices.get(device)?.mtu ?? USUAL_MTU)];
    }),
  );
}

function shapeOf({ mark, layer: { effect } }: PlacedLayer): Shape {
  const still = { mark, latencyMs: 0, jitterMs: 0, correlationPercent: 0, corrupts: effect.kind === 'corrupt' };
  if (effect.kind === 'bandwidth') {
    const { rateBits, burstBytes, latencyMs } = effect;
    return { ...still, limit: { rateBits, burstBytes, latencyMs } };
  }
  if (effect.kind !== 'delay') return still;
  const { latencyMs, jitterMs, correlationPercent } = effect;
  return { ...still, latencyMs, jitterMs, correlationPercent };
}

function queueLayerOf(placed: PlacedLayer): QueuePolicy['layers'][number] {
  const { mark, latencyMs, jitterMs, correlationPercent, corrupts } = shapeOf(placed);
  return { bit: mark, latencyMs, jitterMs, correlationPercent, corrupts };
}

function tableOf(family: Hooks, members: readonly PlacedLayer[], word: DeviceWord): Table {
  return {
    family,
    name: TABLE,
    counters: members.flatMap(({ layer }) => countersOf(layer)),
    sets: members.flatMap(({ layer, remainingMs }) => [livenessSet(layer, remainingMs), ...peerSets(layer)]),
    chains: [
      ...members.flatMap(({ layer, mark }) => [
        ...hitChains(layer, mark, word),
        ...layer.scope.directions.flatMap((direction) => scopeChains(layer, direction)),
      ]),
      ...steeringChains(members),
      ...baseChains(family, members, word),
    ],
  };
}
