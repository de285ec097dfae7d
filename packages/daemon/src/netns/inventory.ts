/** Reads back what of ours a namespace holds, after another process (or nobody) put it there. */
import type { Netns, Qdisc } from '../host/host.ts';
import { IFB_PREFIX, QUEUE_TABLE, ROOT_HANDLE, TABLE } from './names.ts';
import { tableKey, type Inventory, type TableInventory } from './ruleset.ts';
import { foundLeaf, type Tree } from './shaping.ts';

/** Everything of ours in a namespace. */
export interface Present {
  readonly tables: Inventory;
  /** Our IFB devices. */
  readonly ifbs: readonly string[];
  readonly trees: ReadonlyMap<string, Tree>;
  readonly queueTable: boolean;
}

/** What a namespace that we never touched holds of ours. */
export const nothing: Present = { tables: new Map(), ifbs: [], trees: new Map(), queueTable: false };

/** Whether `present` is nothing at all. */
export function isNothing(present: Present): boolean {
  const { tables, ifbs, trees, queueTable } = present;
  return tables.size === 0 && ifbs.length === 0 && trees.size === 0 && !queueTable;
}

/** Looks at the namespace, without a process. */
export async function readPresent(netns: Netns): Promise<Present> {
  const listed = netns.nft(['list tables']);
  const keys = (['netdev', 'inet'] as const)
    .map((family) => tableKey({ family, name: TABLE }))
    .filter((key) => tableLines(listed).has(`table ${key}`));
  return {
    tables: new Map(keys.map((key) => [key, parseTable(netns.nft([`list table ${key}`]))])),
    ifbs: netns.interfaces().flatMap(({ name }) => (name.startsWith(IFB_PREFIX) ? [name] : [])),
    trees: treesOf(await netns.qdiscs()),
    queueTable: tableLines(listed).has(`table inet ${QUEUE_TABLE}`),
  };
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
