/** The pods that have proxies: their namespaces by cookie, the rules in force there, and one change at a time in each. */
import { KeyedMutex, type Clock } from '@chaosplane/common';
import type { Host, Netns } from '../../../contract/host.ts';
import type { ProxyCounts, ProxyRule } from '../../../model/proxy-rule.ts';
import { openSame, requireOfPod } from '../../open-netns.ts';

/** A rule of one execution. */
export interface OwnRule {
  readonly rule: ProxyRule;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** What proxies of earlier daemons counted. */
  readonly before: Omit<ProxyCounts, 'openBefore'>;
  /** Connections that were open when this daemon put it in force, and that it leaves alone. */
  readonly openBefore: number;
}

/** A pod whose turn it is. */
export interface ProxiedPod {
  readonly netns: Netns;
  /** By execution. */
  readonly rules: Map<string, OwnRule>;
  /** Brings the namespace to what the rules are now. */
  serve(): Promise<void>;
}

/** Where a namespace is. */
export interface PodRef {
  readonly sandboxId: string;
  readonly netnsPath: string;
}

interface OpenPod extends ProxiedPod {
  readonly sandboxId: string;
}

/** Those of this daemon. */
export class ProxiedPods {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #entries = new Map<string, OpenPod>();
  readonly #mutex = new KeyedMutex();

  constructor(host: Host, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** Runs `work` in the namespace at that path, whichever it is now. @throws ChaosError NOT_FOUND when there is none. */
  async enter<T>(ref: PodRef, work: (pod: ProxiedPod) => Promise<T>): Promise<T> {
    return this.#mutex.run(ref.sandboxId, () => this.#within(this.#host.openNetns(ref.netnsPath), ref, work));
  }

  /** Runs `work` in the very namespace that is meant; undefined when that no longer exists. */
  async revisit<T>(
    ref: PodRef & { readonly netnsCookie: string },
    work: (pod: ProxiedPod) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#mutex.run(ref.sandboxId, async () => {
      const known = this.#entries.get(ref.netnsCookie);
      if (known !== undefined) return this.#run(known, work);
      const netns = await openSame(this.#host, ref);
      return netns === undefined ? undefined : this.#within(netns, ref, work);
    });
  }

  /** The sandboxes with rules in force, and the cookies of their namespaces. */
  open(): { readonly sandboxId: string; readonly cookie: string }[] {
    return [...this.#entries].map(([cookie, { sandboxId }]) => ({ sandboxId, cookie }));
  }

  /** Lets go of a namespace whose pod is gone. */
  async release(cookie: string): Promise<void> {
    const entry = this.#entries.get(cookie);
    if (entry === undefined) return;
    await this.#mutex.run(entry.sandboxId, async () => {
      this.#entries.delete(cookie);
      await entry.netns.endProxies();
      await entry.netns.close();
    });
  }

  /** Lets go of all of them. The proxies end with the host, and the next daemon starts them again from the journal. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { netns } of entries) await netns.close();
  }

  async #within<T>(netns: Netns, { sandboxId }: PodRef, work: (pod: ProxiedPod) => Promise<T>): Promise<T> {
    await requireOfPod(this.#host, netns);
    const known = this.#entries.get(netns.cookie);
    if (known !== undefined) {
      await netns.close();
      return this.#run(known, work);
    }
    const rules = new Map<string, OwnRule>();
    const entry: OpenPod = { netns, sandboxId, rules, serve: () => this.#serve(netns, rules) };
    this.#entries.set(netns.cookie, entry);
    return this.#run(entry, work);
  }

  async #run<T>(entry: OpenPod, work: (pod: ProxiedPod) => Promise<T>): Promise<T> {
    try {
      return await work(entry);
    } finally {
      if (entry.rules.size === 0 && this.#entries.delete(entry.netns.cookie)) await entry.netns.close();
    }
  }

  async #serve(netns: Netns, rules: ReadonlyMap<string, OwnRule>): Promise<void> {
    const now = this.#clock.now();
    await netns.serveProxies(
      [...rules.values()].map(({ rule, deadline }) => ({ rule, remainingMs: Math.max(1, deadline - now) })),
    );
    // Of a daemon that was killed; as long as connections of ChaosPlane are open, what they need is ours.
    if (rules.size === 0 && netns.proxiedNow() === 0) netns.removeProxyTraces();
  }
}
