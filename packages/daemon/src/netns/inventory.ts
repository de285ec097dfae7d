/** Reads back what of ChaosPlane a namespace holds, also without a record of it. */
import type { Netns, Qdisc } from '../contract/host.ts';
import { IFB_PREFIX, QUEUE_TABLE, ROOT_HANDLE, TABLE } from './names.ts';
import { inTree, takesTap, type PlacedLayer } from './placed-layer.ts';
import { tableKey, type Inventory, type TableInventory } from '../nft/ruleset.ts';
import { foundLeaf, type Tree } from './shaping.ts';

/** Everything of ChaosPlane in a namespace. */
export interface Present {
  readonly tables: Inventory;
  /** Our IFB devices. */
  readonly ifbs: readonly string[];
  readonly trees: ReadonlyMap<string, Tree>;
  readonly queueTable: boolean;
  /** TAP devices that this process made; those of another one have gone with it. */
  readonly taps: readonly string[];
  /** The names of all devices; absent when they were not looked at: then those that layers name are taken to be there. */
  readonly devices?: ReadonlySet<string>;
  /** The numbers of the devices that chains of ChaosPlane hook into, by name. */
  readonly hooked: ReadonlyMap<string, number>;
  /**
   * Devices that were made again under their names: on Linux 6.4 to 6.15 a chain outlives its device without being hooked into the
   * next one. Absent: none is known to have been.
   */
  readonly madeAgain?: ReadonlySet<string>;
}

/** What a namespace that we never touched holds of ChaosPlane. */
export const nothing: Present = {
  tables: new Map(),
  ifbs: [],
  trees: new Map(),
  queueTable: false,
  taps: [],
  hooked: new Map(),
};

/** Whether `present` is nothing at all. */
export function isNothing(present: Present): boolean {
  const { tables, ifbs, trees, queueTable } = present;
  return tables.size === 0 && ifbs.length === 0 && trees.size === 0 && !queueTable;
}

/** Looks at the namespace, without a process. `remembered`: what this process put there, if anything. */
export async function readPresent(netns: Netns, remembered: Pick<Present, 'hooked'> = nothing): Promise<Present> {
  const listed = netns.nft(['list tables']);
  const keys = (['netdev', 'inet'] as const).map((family) => tableKey({ family, name: TABLE }));
  const links = netns.interfaces();
  const devices = links.map(({ name }) => name);
  const others = links.filter(({ name, index }) => (remembered.hooked.get(name) ?? index) !== index);
  return {
    tables: readTables(netns.nft, keys, listed),
    ifbs: devices.filter((name) => name.startsWith(IFB_PREFIX)),
    devices: new Set(devices),
    trees: treesOf(await netns.qdiscs()),
    queueTable: tableLines(listed).has(`table inet ${QUEUE_TABLE}`),
    taps: [],
    hooked: new Map(),
    madeAgain: new Set(others.map(({ name }) => name)),
  };
}

/** Those of `keys` that there are, with what is in them. */
export function readTables(
  nft: Netns['nft'],
  keys: readonly string[],
  listed: string = nft(['list tables']),
): Inventory {
  const there = keys.filter((key) => tableLines(listed).has(`table ${key}`));
  return new Map(there.map((key) => [key, parseTable(nft([`list table ${key}`]))]));
}

/**
 * Whether the devices, the trees and the queue's table that are remembered are still there: others may have taken them away
 * (`tc qdisc del`, `ip link del`), and no command of ChaosPlane would fail for it. What is missing in a table of ChaosPlane makes its
 * transaction fail.
 */
export async function isStillThere(netns: Netns, present: Present): Promise<boolean> {
  const { ifbs, trees, queueTable, taps, hooked } = present;
  if (queueTable && !tableLines(netns.nft(['list tables'])).has(`table inet ${QUEUE_TABLE}`)) return false;
  if (ifbs.length + taps.length + trees.size + hooked.size === 0) return true;
  const links = new Map(netns.interfaces().map((link) => [link.name, link]));
  if (!ifbs.every((ifb) => links.has(ifb)) || !taps.every((tap) => links.get(tap)?.up === true)) return false;
  if (![...hooked].every(([device, index]) => links.get(device)?.index === index)) return false;
  if (trees.size === 0) return true;
  const found = treesOf(await netns.qdiscs());
  return [...trees].every(([device, { leaves }]) => {
    const there = found.get(device)?.leaves;
    return [...leaves.keys()].every((leaf) => there?.has(leaf) === true);
  });
}

/** The layers on the interfaces that there are: one that was renamed or taken away is left out until it is back. */
export function withDevices(layers: readonly PlacedLayer[], { devices }: Present): readonly PlacedLayer[] {
  if (devices === undefined) return layers;
  return layers.flatMap((placed) => {
    const { layer, hooks, engine } = placed;
    // The inet hooks know a device by its name, whether it is there or not.
    if (hooks === 'inet' && !inTree(engine) && !takesTap(placed)) return [placed];
    const interfaces = layer.scope.interfaces.filter((name) => devices.has(name));
    if (interfaces.length === 0) return [];
    return [{ ...placed, layer: { ...layer, scope: { ...layer.scope, interfaces } } }];
  });
}

const tableLines = (listed: string): Set<string> => new Set(listed.split('\n').map((line) => line.trim()));

const OUR_NAME = /^[a-zA-Z0-9_.-]+$/;

/** The names in what `nft list table` prints; it indents what a table owns by one tab. */
export function parseTable(listing: string): TableInventory {
  const named = (kind: string): string[] =>
    [...listing.matchAll(new RegExp(`^\\t${kind} (.+) \\{`, 'gm'))].map((match) => match[1] ?? '');
  const found = { chains: named('chain'), counters: named('counter'), sets: named('set') };
  // Who has the pod's network may have put anything into a table of this name; its words never become a command.
  const foreign = Object.values(found).some((names) => names.some((name) => !OUR_NAME.test(name)));
  return { ...found, sets: new Map(found.sets.map((name) => [name, undefined])), foreign };
}

/** Our trees among the qdiscs. What a found leaf does is not read back: it is written again. */
export function treesOf(qdiscs: readonly Qdisc[]): ReadonlyMap<string, Tree> {
  const ours = qdiscs.filter(
    ({ parent, handle, kind }) => parent === 'root' && handle === ROOT_HANDLE && kind === 'htb',
  );
  return new Map(
    ours.map(({ device }) => {
      const leaves = qdiscs.filter((qdisc) => qdisc.device === device && qdisc.parent.startsWith(ROOT_HANDLE));
      return [device, { limits: undefined, leaves: new Map(leaves.map(({ parent }) => [parent, foundLeaf(parent)])) }];
    }),
  );
}
