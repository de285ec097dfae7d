/** The table that passes packets to TAP devices, for as long as the thread behind them gives a sign of life. */
import type { Clock, Timer } from '@chaosplane/common';
import type { TapPolicy } from '../../contract/host.ts';
import { hex, TAP_TABLE } from '../../netns/names.ts';
import { inventoryOf, keepingHooks, transaction, type Inventory, type Table } from '../../nft/ruleset.ts';
import { hookAt, TAP_PRIORITY } from '../../netns/rule-parts.ts';
import { listInterfaces } from '../kernel/links.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { openNft, type NftSession } from '../kernel/nft.ts';

/** A device that packets are handed over to. */
export interface FedTap {
  readonly policy: TapPolicy;
  readonly index: number;
}

/** The table of one namespace. */
export interface HandOver {
  /** Passes packets to these devices, and to no others. */
  put(taps: readonly FedTap[], keepHooks: boolean): void;
  /** Looks for signs of life from now on, for as long as a device is open. */
  beat(): void;
  /** Lets go of the table when nothing is in it. */
  closeIfEmpty(): Promise<void>;
}

/** How long the kernel passes packets on without a sign of life of the thread that releases them. */
const SIGN_OF_LIFE_MS = 10_000;
const HEARTBEAT_MS = 2500;

const TABLE_KEY = `netdev ${TAP_TABLE}`;

/** The interfaces that are up. */
export const upIndices = (netns: NetnsHandle): ReadonlySet<number> =>
  new Set(listInterfaces(netns).flatMap(({ index, up }) => (up ? [index] : [])));

/** What a hand-over asks before it gives a sign of life. */
interface Questions {
  /** The devices that are open now. */
  readonly open: () => Iterable<FedTap>;
  /** By name, those that the thread reads from; rejects when it does not answer. */
  readonly answered: () => Promise<ReadonlyMap<string, unknown>>;
}

export function createHandOver(netns: NetnsHandle, clock: Clock, { open, answered }: Questions): HandOver {
  let nft: NftSession | undefined;
  let inventory: Inventory = new Map();
  let heartbeat: Timer | undefined;

  const put = (taps: readonly FedTap[], keepHooks: boolean): void => {
    const wanted = taps.length === 0 ? [] : [tableOf(taps)];
    const tables = keepHooks ? keepingHooks(inventory, wanted) : wanted;
    if (tables.length === 0 && nft === undefined) return;
    nft ??= openNft(netns, { pinned: true });
    try {
      nft.run(transaction(inventory, tables));
    } catch {
      // The kernel takes a chain away with its device, before Linux 6.16: the table is made again.
      nft.run([`add table ${TABLE_KEY}`, `delete table ${TABLE_KEY}`, ...transaction(new Map(), tables)]);
    }
    inventory = inventoryOf(tables);
  };
  /** Packets are handed over to devices that are up and read from, and to no others. */
  const renew = (alive: ReadonlyMap<string, unknown>): void => {
    try {
      const up = upIndices(netns);
      const fed = [...open()].filter(({ policy, index }) => alive.has(policy.name) && up.has(index));
      put(fed, true);
    } catch {
      // As below.
    }
    beat();
  };
  const beat = (): void => {
    heartbeat?.cancel();
    if ([...open()].length === 0) return;
    heartbeat = clock.after(HEARTBEAT_MS, () => {
      // Without a sign of life the kernel lets packets pass by itself, which is what it is for.
      answered().then(renew, beat);
    });
  };

  return {
    put,
    beat,
    async closeIfEmpty() {
      if (inventory.size > 0 || nft === undefined) return;
      const ended = nft;
      nft = undefined;
      await ended.close();
    },
  };
}

const aliveElements = ['ip', 'ip6'].map((protocol) => `${protocol} timeout ${SIGN_OF_LIFE_MS / 1000}s`);

/** The rules that hand packets over. */
function tableOf(taps: readonly FedTap[]): Table {
  return {
    family: 'netdev',
    name: TAP_TABLE,
    flags: 'owner',
    counters: [],
    sets: [
      { name: 'alive', declaration: 'typeof meta protocol ; flags timeout ;', elements: aliveElements, timed: true },
    ],
    chains: [...Map.groupBy(taps, ({ policy }) => policy.device)].map(([device, here]) => ({
      name: `egress_${device}`,
      hook: hookAt('egress', device, TAP_PRIORITY),
      rules: here.map(
        ({ policy: { bit }, index }) => `meta mark and ${hex(bit)} != 0 meta protocol @alive fwd to ${index}`,
      ),
    })),
  };
}
