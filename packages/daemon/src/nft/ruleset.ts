/** What nft tables should contain, and the one transaction that takes the kernel from what is there to that. Pure. */

/** A named set. */
export interface NftSet {
  readonly name: string;
  /** What stands between the braces before the elements: `type ipv4_addr ; flags interval ; auto-merge ;`. */
  readonly declaration: string;
  readonly elements: readonly string[];
  /** Its elements carry timeouts, so they are written again in every transaction. */
  readonly timed: boolean;
}

/** A chain; with a hook it is a base chain. */
export interface Chain {
  readonly name: string;
  /** `type filter hook egress device "eth0" priority 0 ;` */
  readonly hook?: string;
  readonly rules: readonly string[];
  /** Its rules are always the same, so they are written once. */
  readonly lasting?: true;
}

/** One of our tables. */
export interface Table {
  readonly family: 'netdev' | 'inet';
  readonly name: string;
  /** `owner`: the kernel removes it when the session that made it ends, however that ends (Linux 5.12). */
  readonly flags?: 'owner';
  readonly counters: readonly string[];
  readonly sets: readonly NftSet[];
  readonly chains: readonly Chain[];
}

/** What of ChaosPlane exists in one table of the kernel. */
export interface TableInventory {
  readonly chains: readonly string[];
  readonly counters: readonly string[];
  /** Each set with its elements as one text; undefined when it was only seen, not written by this process. */
  readonly sets: ReadonlyMap<string, string | undefined>;
  /** Holds names that cannot be ours: the table is deleted whole, and made again. */
  readonly foreign?: boolean;
}

/** Our tables that exist in the kernel, by `family name`. */
export type Inventory = ReadonlyMap<string, TableInventory>;

/** The key of a table in an inventory. */
export function tableKey(table: Pick<Table, 'family' | 'name'>): string {
  return `${table.family} ${table.name}`;
}

const elementsText = (set: NftSet): string => set.elements.join(', ');

/** What the kernel holds once `tables` have been put there. */
export function inventoryOf(tables: readonly Table[]): Inventory {
  return new Map(
    tables.map((table) => [
      tableKey(table),
      {
        chains: table.chains.map((chain) => chain.name),
        counters: table.counters,
        sets: new Map(table.sets.map((set) => [set.name, set.timed ? undefined : elementsText(set)])),
      },
    ]),
  );
}

/** Base chains of the layers' tables are called so; scopes begin with the name of their layer. */
const HOOKED = /^(?:egress|ingress|copy|trees|postrouting|prerouting|refuse)_/;

/**
 * `tables`, and the hooks of `present` that they lack, without rules. Removing any hook from a namespace makes the kernel
 * drop what waits in its queues (nf_queue_nf_hook_drop), so that one fault that ends would cost another one its packets.
 * `isHook` knows base chains by their names.
 */
export function keepingHooks(
  present: Inventory,
  tables: readonly Table[],
  isHook: (chain: string) => boolean = (chain) => HOOKED.test(chain),
): readonly Table[] {
  const kept = new Map(tables.map((table) => [tableKey(table), table]));
  for (const [key, { chains, foreign }] of present) {
    const [family, name] = key.split(' ') as [Table['family'], string];
    const table = kept.get(key) ?? { family, name, counters: [], sets: [], chains: [] };
    const there = new Set(table.chains.map((chain) => chain.name));
    const hooks = chains.filter((chain) => isHook(chain) && !there.has(chain));
    if (hooks.length === 0 || foreign === true) continue;
    kept.set(key, { ...table, chains: [...table.chains, ...hooks.map((hook) => ({ name: hook, rules: [] }))] });
  }
  return [...kept.values()];
}

/**
 * The nft commands, for one transaction, that make the kernel hold exactly `tables` where it holds `present`.
 *
 * Chains are flushed and filled again around the named counters and sets, which stay, so that what was counted survives
 * (a kernel test holds that). A set is written only when its elements differ, or when they carry timeouts. Chains that hook into
 * devices of `madeAgain` are made again, too.
 */
export function transaction(
  present: Inventory,
  tables: readonly Table[],
  madeAgain: ReadonlySet<string> = new Set(),
): string[] {
  const wanted = new Set(tables.map(tableKey));
  const gone = [...present.keys()].filter((key) => !wanted.has(key)).map((key) => `delete table ${key}`);
  return [
    ...gone,
    ...tables.flatMap((table) => {
      const had = present.get(tableKey(table));
      if (had?.foreign !== true) return tableCommands(had, table, madeAgain);
      return [`delete table ${tableKey(table)}`, ...tableCommands(undefined, table, madeAgain)];
    }),
  ];
}

/** The device of a chain's hook; undefined where it has none. */
export const deviceOf = ({ hook = '' }: Chain): string | undefined => /device "([^"]+)"/.exec(hook)?.[1];

function tableCommands(present: TableInventory | undefined, table: Table, madeAgain: ReadonlySet<string>): string[] {
  const key = tableKey(table);
  const unhooked = new Set(
    table.chains.filter((chain) => madeAgain.has(deviceOf(chain) ?? '')).map(({ name }) => name),
  );
  const chains = new Set(table.chains.map((chain) => chain.name));
  const sets = new Set(table.sets.map((set) => set.name));
  const counters = new Set(table.counters);
  const had = present ?? { chains: [], counters: [], sets: new Map<string, string | undefined>() };
  const stays = new Set(
    table.chains
      .filter(({ name, lasting }) => lasting && had.chains.includes(name) && !unhooked.has(name))
      .map(({ name }) => name),
  );
  return [
    ...(present === undefined
      ? [`add table ${key}${table.flags === undefined ? '' : ` { flags ${table.flags} ; }`}`]
      : []),
    // Every rule goes first: rules hold on to chains, sets and counters.
    ...had.chains.filter((name) => !stays.has(name)).map((name) => `flush chain ${key} ${name}`),
    ...had.chains
      .filter((name) => !chains.has(name) || unhooked.has(name))
      .map((name) => `delete chain ${key} ${name}`),
    ...[...had.sets.keys()].filter((name) => !sets.has(name)).map((name) => `delete set ${key} ${name}`),
    ...had.counters.filter((name) => !counters.has(name)).map((name) => `delete counter ${key} ${name}`),
    ...table.counters.filter((name) => !had.counters.includes(name)).map((name) => `add counter ${key} ${name}`),
    ...table.sets.flatMap((set) => setCommands(key, had.sets, set)),
    ...table.chains
      .filter(({ name }) => !had.chains.includes(name) || unhooked.has(name))
      .map((chain) => `add chain ${key} ${chain.name}${chain.hook === undefined ? '' : ` { ${chain.hook} }`}`),
    ...table.chains
      .filter(({ name }) => !stays.has(name))
      .flatMap((chain) => chain.rules.map((rule) => `add rule ${key} ${chain.name} ${rule}`)),
  ];
}

function setCommands(key: string, had: TableInventory['sets'], set: NftSet): string[] {
  const present = had.has(set.name);
  if (present && !set.timed && had.get(set.name) === elementsText(set)) return [];
  return [
    present ? `flush set ${key} ${set.name}` : `add set ${key} ${set.name} { ${set.declaration} }`,
    ...(set.elements.length === 0 ? [] : [`add element ${key} ${set.name} { ${elementsText(set)} }`]),
  ];
}
