/** The table of redirects in one namespace. It belongs to this session: when the daemon dies, the kernel removes it. */
import { HOLD_TABLE, PROXY_TABLE } from '../../proxy/names.ts';
import type { TimedRule } from '../../model/proxy-rule.ts';
import { holdTable, proxyTable, renewCommands, type Duties } from '../../proxy/table.ts';
import { readTables } from '../../netns/inventory.ts';
import { inventoryOf, keepingHooks, tableKey, transaction, type Inventory, type Table } from '../../nft/ruleset.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { NftError, openNft } from '../kernel/nft.ts';

/** The redirects of one namespace. */
export interface Redirects {
  /**
   * One transaction. `keepHooks`: chains that go stay without rules, see `keepingHooks`.
   * @throws NftError; nothing has changed then.
   */
  put(duties: Duties, options: { readonly hold: boolean; readonly keepHooks: boolean }): void;
  /** A sign of life: the kernel redirects for so much longer. */
  renew(rules: readonly TimedRule[]): void;
  /** Packets that a counter of the table has seen. */
  counted(counter: string): number;
  /** Removes the tables, and with it what it remembers of open connections. */
  remove(): void;
  close(): Promise<void>;
}

const KEYS = [PROXY_TABLE, HOLD_TABLE].map((name) => tableKey({ family: 'inet', name }));

export function openRedirects(netns: NetnsHandle): Redirects {
  const nft = openNft(netns, { pinned: true });
  let inventory: Inventory = new Map();
  const bring = (tables: readonly Table[]): void => {
    try {
      nft.run(transaction(inventory, tables));
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      // Others may have changed it (`nft flush ruleset` spares a table with an owner, and takes the other).
      nft.run(transaction(readTables(nft.run, KEYS), tables));
    }
    inventory = inventoryOf(tables);
  };
  return {
    put(duties, { hold, keepHooks }) {
      const wanted = [proxyTable(duties), ...(hold ? [holdTable] : [])];
      // All chains of these tables are base chains.
      bring(keepHooks ? keepingHooks(inventory, wanted, () => true) : wanted);
    },
    renew(rules) {
      nft.run(renewCommands(rules));
    },
    counted(counter) {
      try {
        const listing = nft.run([`list counter inet ${PROXY_TABLE} ${counter}`]);
        return Number(/packets (\d+)/.exec(listing)?.[1] ?? 0);
      } catch (error) {
        if (error instanceof NftError && error.notFound) return 0;
        throw error;
      }
    },
    remove() {
      if (inventory.size > 0) bring([]);
    },
    close: () => nft.close(),
  };
}
