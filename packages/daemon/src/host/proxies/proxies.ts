/** The proxies of all namespaces: which namespaces have some, and one change at a time in each. */
import { Mutex, type Clock } from '@chaosplane/common';
import type { ProxyCounts, TimedRule } from '../../model/proxy-rule.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { NamespaceProxies } from './namespace-proxies.ts';

/** HTTP and DNS proxies inside network namespaces. */
export interface Proxies {
  /** Makes these rules be in force in a namespace, and nothing else there. `netns` is left open, and is not needed afterwards. */
  serve(netns: NetnsHandle, rules: readonly TimedRule[]): Promise<void>;
  /** What was counted for a rule that is in force in the namespace with this cookie. */
  counts(cookie: string, id: string): Omit<ProxyCounts, 'openBefore'> | undefined;
  /** How many connections and queries still pass through proxies of that namespace. */
  open(cookie: string): number;
  /**
   * While `kept`, hooks that nothing needs any more stay in the namespace with this cookie, without rules: packets wait in its queue,
   * and the kernel would drop them.
   */
  keepHooks(cookie: string, kept: boolean): Promise<void>;
  /** Whether hooks are in that namespace for this reason alone, or may be. */
  hasHooksKept(cookie: string): boolean;
  /** Ends the namespace's proxies, open connections with them; those that only let their last connections end go on. */
  release(cookie: string): Promise<void>;
  /** Ends all of them. New connections pass directly at once; what is under way gets a moment. */
  close(): Promise<void>;
}

interface ServedNamespace {
  readonly served: NamespaceProxies;
  readonly turn: Mutex;
}

const GRACE_MS = 2000;

export function createProxies(clock: Clock): Proxies {
  const entries = new Map<string, ServedNamespace>();
  const keepingHooks = new Set<string>();

  const forgetEnded = (cookie: string, entry: ServedNamespace): void => {
    if (entry.served.ended && entries.get(cookie) === entry) entries.delete(cookie);
  };
  const inTurn = async <T>(
    cookie: string,
    entry: ServedNamespace,
    work: (served: NamespaceProxies) => Promise<T>,
  ): Promise<T> => {
    try {
      return await entry.turn.run(() => work(entry.served));
    } finally {
      forgetEnded(cookie, entry);
    }
  };
  const openEntry = (netns: NetnsHandle): ServedNamespace => {
    const turn = new Mutex();
    // The sweep waits for the mutex, so that the namespace does not close while a caller brings new rules.
    const onLess = (): void => void inTurn(netns.cookie, entry, (served) => served.sweep()).catch(() => undefined);
    const keepsHooks = (): boolean => keepingHooks.has(netns.cookie);
    const served = new NamespaceProxies(netns.duplicate(), clock, {
      onLess,
      keepsHooks,
      namespaces: () => entries.size,
      openInAll: () => [...entries.values()].reduce((sum, { served: { open } }) => sum + open, 0),
    });
    const entry: ServedNamespace = { served, turn };
    entries.set(netns.cookie, entry);
    return entry;
  };

  return {
    async serve(netns, rules) {
      for (;;) {
        const known = entries.get(netns.cookie);
        if (known === undefined && rules.length === 0) return;
        const entry = known ?? openEntry(netns);
        const done = await inTurn(netns.cookie, entry, async (served) => {
          // It may have let its last connection go while this waited.
          if (served.ended) return false;
          await served.bring(rules);
          return true;
        });
        if (done) return;
      }
    },
    counts: (cookie, id) => entries.get(cookie)?.served.counts(id),
    open: (cookie) => entries.get(cookie)?.served.open ?? 0,
    async keepHooks(cookie, kept) {
      if (kept) keepingHooks.add(cookie);
      const entry = entries.get(cookie);
      if (kept || !keepingHooks.delete(cookie) || entry === undefined) return;
      await inTurn(cookie, entry, (served) => served.letHooksGo());
    },
    hasHooksKept: (cookie) => keepingHooks.has(cookie) && entries.has(cookie),
    async release(cookie) {
      const entry = entries.get(cookie);
      if (entry?.served.active === true) await inTurn(cookie, entry, (served) => served.endGently(0));
    },
    async close() {
      const ends = [...entries].map(([cookie, entry]) => inTurn(cookie, entry, (served) => served.endGently(GRACE_MS)));
      const failed = (await Promise.allSettled(ends)).find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
  };
}
