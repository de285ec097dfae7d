/** The table of redirects in one namespace. It belongs to this session: when the daemon dies, the kernel removes it. */
import { PROXY_TABLE } from '../../proxy/names.ts';
import type { TimedRule } from '../../proxy/rule.ts';
import { holdTable, proxyTable, renewCommands, type Duties } from '../../proxy/table.ts';
import { inventoryOf, transaction, type Inventory } from '../../netns/ruleset.ts';
import type { NetnsHandle } from '../netns.ts';
import { openNft } from '../nft.ts';

/** The redirects of one namespace. */
export interface Redirects {
  /** One transaction. @throws NftError; nothing has changed then. */
  put(duties: Duties, hold: boolean): void;
  /** A sign of life: the kernel redirects for so much longer. */
  renew(rules: readonly TimedRule[]): void;
  /** Packets that a counter of the table has seen. */
  counted(counter: string): number;
  /** Removes the tables, and with it what it remembers of open connections. */
  remove(): void;
  close(): Promise<void>;
}

export function openRedirects(netns: NetnsHandle): Redirects {
  const nft = openNft(netns, { pinned: true });
  let inventory: Inventory = new Map();
  return {
    put(duties, hold) {
      const tables = [proxyTable(duties), ...(hold ? [holdTable] : [])];
      nft.run(transaction(inventory, tables));
      inventory = inventoryOf(tables);
    },
    renew(rules) {
      nft.run(renewCommands(rules));
    },
    counted(counter) {
      const listing = nft.run([`list counter inet ${PROXY_TABLE} ${counter}`]);
      return Number(/packets (\d+)/.exec(listing)?.[1] ?? 0);
    },
    remove() {
      if (inventory.size === 0) return;
      nft.run(transaction(inventory, []));
      inventory = new Map();
    },
    close: () => nft.close(),
  };
}
