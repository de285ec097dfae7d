/** What all layers of one network namespace add up to: nft tables, queueing trees, devices of ChaosPlane, user-space policies. Pure. */
import type { QueuePolicy, TapPolicy } from '../contract/host.ts';
import { baseChains, steeringChains } from './base-chains.ts';
import type { Devices } from './device-facts.ts';
import { fragmentSets } from './fragments.ts';
import { countersOf, hitChains, type DeviceWord } from './effect-rules.ts';
import { IFB_PREFIX, ifbOf, layerNames, MARK_MASK, TABLE, tapOf, tapPriorityOf } from './names.ts';
import { peerSets } from './peers.ts';
import {
  inTree,
  shapedDevices,
  takesIfb,
  takesQueue,
  takesTap,
  within,
  type Hooks,
  type PlacedLayer,
} from './placed-layer.ts';
import { livenessSet } from '../nft/liveness-set.ts';
import type { Table } from '../nft/ruleset.ts';
import { scopeChains } from './scope.ts';
import { treeOf, type Shape, type Tree } from './shaping.ts';

/** The whole desired state of a namespace. */
export interface Desired {
  readonly tables: readonly Table[];
  /** Our IFB devices. */
  readonly ifbs: readonly string[];
  /** The tree of each device that shapes; a device that is absent has no tree of ChaosPlane. */
  readonly trees: ReadonlyMap<string, Tree>;
  /** Absent: nothing waits in the queue here. */
  readonly queue?: QueuePolicy;
  /** The TAP devices of the user-space backend. */
  readonly taps: readonly TapPolicy[];
}

/** Ethernet's, for devices that are not known. */
const USUAL_MTU = 1500;

/** Compiles the layers, in the order given, into what the namespace should hold. Deterministic and total. */
export function compile(layers: readonly PlacedLayer[], devices: Devices = new Map()): Desired {
  // Droppers first: a packet that is lost must not be counted as delayed. Copies are made of what is left.
  const rank = ({ mark, layer }: PlacedLayer): number => (mark !== 0 ? 2 : layer.effect.kind === 'duplicate' ? 1 : 0);
  const ordered = [0, 1, 2].flatMap((wanted) => layers.filter((placed) => rank(placed) === wanted));
  const tables = (['netdev', 'inet'] as const).flatMap((family) => {
    const members = ordered.flatMap((placed) => within(placed, family) ?? []);
    return members.length === 0 ? [] : [tableOf(family, members, devices)];
  });
  const queued = layers.filter(takesQueue);
  return {
    tables,
    ifbs: [...new Set(layers.filter(takesIfb).flatMap(({ layer }) => layer.scope.interfaces.map(ifbOf)))],
    trees: treesOf(layers, devices),
    ...(queued.length === 0 ? {} : { queue: { mask: MARK_MASK, layers: queued.map(queueLayerOf) } }),
    taps: layers.filter(takesTap).flatMap((placed) => tapsOf(placed, devices)),
  };
}

function treesOf(layers: readonly PlacedLayer[], devices: Devices): ReadonlyMap<string, Tree> {
  const members = layers
    .filter(({ engine }) => inTree(engine))
    .flatMap((placed) =>
      placed.layer.scope.directions.flatMap((direction) =>
        shapedDevices(placed.layer, direction).map((device) => ({ device, placed })),
      ),
    );
  const byDevice = Map.groupBy(members, ({ device }) => device);
  return new Map(
    [...byDevice].map(([device, here]) => {
      const shapes = here.map(({ placed }) => shapeOf(placed));
      const mtu = devices.get(device)?.mtu ?? USUAL_MTU;
      return [device, treeOf(shapes, { mtu, receives: device.startsWith(IFB_PREFIX), trees: byDevice.size })];
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

function tapsOf(placed: PlacedLayer, devices: Devices): TapPolicy[] {
  return placed.layer.scope.interfaces.map((device) => ({
    name: tapOf(placed.mark, devices.get(device)?.index ?? 0),
    device,
    returnPriority: tapPriorityOf(placed.mark),
    ...queueLayerOf(placed),
  }));
}

function tableOf(family: Hooks, members: readonly PlacedLayer[], devices: Devices): Table {
  const word: DeviceWord = (device) => String(devices.get(device)?.index ?? `"${device}"`);
  return {
    family,
    name: TABLE,
    counters: members.flatMap(({ layer }) => countersOf(layer)),
    sets: members.flatMap(({ layer, remainingMs }) => [
      livenessSet(layerNames.live(layer), remainingMs),
      ...peerSets(layer),
      ...fragmentSets(layer),
    ]),
    chains: [
      ...members.flatMap((placed) => [
        ...hitChains(placed, family, word),
        ...placed.layer.scope.directions.flatMap((direction) => scopeChains(placed.layer, direction)),
      ]),
      ...steeringChains(members),
      ...baseChains(family, members, { word, carries: (device) => devices.get(device)?.carries }),
    ],
  };
}
