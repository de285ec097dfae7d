/** All proxies of one network namespace: brings listeners, redirects and routes from what is there to what the rules ask for. */
import type { Clock, Timer } from '@chaosplane/common';
import { activateDns } from '../../proxy/dns/decide.ts';
import { activateHttp } from '../../proxy/http/decide.ts';
import { isFull } from '../../proxy/limits.ts';
import { PROXY_MASK, REDIRECTED_QUERY } from '../../proxy/names.ts';
import type { ProxyCounts, TimedRule } from '../../model/proxy-rule.ts';
import { beyondName, strayName, type Duties } from '../../proxy/table.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { forgetFlows } from './conntrack.ts';
import { Listeners } from './listeners.ts';
import { isDns, type ActiveRule, type Listener } from './listener.ts';
import { addPolicyRoute, removePolicyRoute } from './policy-route.ts';
import { openRedirects, type Redirects } from './redirects.ts';

/** A rule in force, and when it ends on the clock that never jumps. */
interface Due {
  readonly active: ActiveRule;
  readonly due: number;
}

/**
 * How long the kernel goes on redirecting without a sign of life. A daemon that hangs answers nobody, so what it would have
 * taken must go to the application again, and much sooner than at the rule's own deadline.
 */
const SIGN_OF_LIFE_MS = 10_000;
const HEARTBEAT_MS = 2500;
/** A connection whose first packet was redirected may still be on its way to the proxy for so long. */
const ARRIVAL_MS = 100;
/** How long an undo waits for what is still open; whoever takes longer is passed on in the background. */
const PATIENCE_MS = 1000;
/** How long connections of rules that are gone may stay open; then they are reset. */
const LONGEST_DRAIN_MS = 10 * 60_000;

/** What the proxies of a namespace know of the rest of the daemon. */
export interface Surroundings {
  /** Something was closed that no rule needs any more: then `sweep` has something to do. */
  readonly onLess: () => void;
  /** Packets wait in a queue of the namespace, and would be lost with any hook that goes. */
  readonly keepsHooks: () => boolean;
  /** How many namespaces have proxies, with this one. */
  readonly namespaces: () => number;
  /** Connections and queries under way in all of them. */
  readonly openInAll: () => number;
}

/** Its calls must not overlap. Takes over `netns`. */
export class ServedProxies {
  readonly #netns: NetnsHandle;
  readonly #clock: Clock;
  readonly #redirects: Redirects;
  readonly #onLess: () => void;
  readonly #keepsHooks: () => boolean;
  readonly #namespaces: () => number;
  readonly #openInAll: () => number;
  readonly #listeners: Listeners;
  #rules: ReadonlyMap<string, Due> = new Map();
  /** Whether a proxy may have connections to the application: then the policy route is there. */
  #returns = false;
  /** New connections pass directly, because there are too many already; and whether that ever was so. */
  #full = false;
  #everFull = false;
  /** Rules are being brought: redirects may only be changed by that. */
  #bringing = false;
  #heartbeat: Timer | undefined;
  #longestDrain: Timer | undefined;
  /** Ends the wait for open connections. */
  #noticed: (() => void) | undefined;
  #ended = false;

  constructor(netns: NetnsHandle, clock: Clock, { onLess, keepsHooks, namespaces, openInAll }: Surroundings) {
    this.#netns = netns;
    this.#clock = clock;
    this.#redirects = openRedirects(netns);
    this.#listeners = new Listeners(netns, clock, {
      onMore: () => this.#weigh(),
      onLess: () => this.#noticeLess(),
    });
    this.#onLess = onLess;
    this.#keepsHooks = keepsHooks;
    this.#namespaces = namespaces;
    this.#openInAll = openInAll;
  }

  /** Nothing of it is left; it cannot be used any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether any rule is in force; without one, open connections may still be passed on. */
  get active(): boolean {
    return this.#rules.size > 0;
  }

  /** How many connections and queries are under way. */
  get open(): number {
    return this.#listeners.open;
  }

  /**
   * Makes `wanted` be in force, and nothing else. Connections that are open go on, whatever comes and goes; what was counted
   * for a rule that stays is kept. When this throws, call it with what was there before.
   */
  async bring(wanted: readonly TimedRule[]): Promise<void> {
    this.#longestDrain?.cancel();
    const [before, now] = [this.#rules, this.#clock.monotonic()];
    this.#rules = new Map(
      wanted.map(({ rule, remainingMs }) => {
        const active = before.get(rule.id)?.active ?? (rule.kind === 'http' ? activateHttp(rule) : activateDns(rule));
        return [rule.id, { active, due: now + remainingMs }];
      }),
    );
    this.#bringing = true;
    try {
      // Whoever is redirected must find somebody there, and the answers their way back.
      this.#returns ||= this.#active.some(({ rule }) => rule.kind === 'http' && rule.side === 'server');
      await this.#listeners.openFor(this.#active);
      if (this.#returns) addPolicyRoute(this.#netns);
      this.#assign();
      this.#redirect();
    } finally {
      this.#bringing = false;
    }
    this.#weigh();
    this.#beat();
    const unused = this.#listeners.unused(this.#active);
    if (unused.length > 0) {
      await this.#clock.sleep(ARRIVAL_MS);
      await this.#untilIdle(unused, PATIENCE_MS);
    }
    if (unused.length > 0 || !this.active) await this.sweep();
    if (this.active || this.#ended) return;
    this.#longestDrain = this.#clock.after(LONGEST_DRAIN_MS, () => void this.#endDrain().catch(() => undefined));
  }

  async #endDrain(): Promise<void> {
    this.#listeners.close();
    await this.sweep();
  }

  /** Takes away the hooks that stayed for others: no packet waits any more. */
  async letHooksGo(): Promise<void> {
    if (this.#ended) return;
    this.#redirect();
    await this.sweep();
  }

  /** Closes what no rule needs and nobody uses any more; in the end everything, or all but the hooks that stay for others. */
  async sweep(): Promise<void> {
    if (this.#ended) return;
    this.#listeners.closeUnused(this.#active);
    const left = this.#listeners.all;
    if (!this.active && left.length === 0 && !this.#keepsHooks()) {
      await this.end();
      return;
    }
    if (!left.some(({ kind }) => kind === 'dns')) this.#forgetQueries();
    const returning = left.some((listener) => listener.kind === 'http' && listener.side === 'server');
    // The rule of the zone is as good as a hook; see `returnChains`.
    if (this.#returns && !returning && !this.#keepsHooks()) {
      this.#returns = false;
      this.#redirect();
      removePolicyRoute(this.#netns);
    }
  }

  /** What was counted for a rule that is in force. */
  counts(id: string): Omit<ProxyCounts, 'openBefore'> | undefined {
    const active = this.#rules.get(id)?.active;
    if (active === undefined) return undefined;
    const { seen, matched, faulted } = active;
    return {
      seen,
      matched,
      faulted,
      passed: isDns(active) ? this.#redirects.counted(strayName(active.rule)) : active.passed,
      beyond: this.#everFull ? this.#redirects.counted(beyondName(active.rule)) : 0,
    };
  }

  /** Ends everything now; what is still open is reset. Does all its steps, and throws the first error. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#rules = new Map();
    this.#heartbeat?.cancel();
    this.#longestDrain?.cancel();
    const steps: readonly (() => unknown)[] = [
      () => this.#redirects.remove(),
      () => this.#forgetQueries(),
      () => removePolicyRoute(this.#netns),
      ...this.#listeners.all.map((listener) => () => listener.proxy.close()),
      () => this.#redirects.close(),
      () => this.#netns.close(),
    ];
    const errors: unknown[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Stops redirecting, gives what is under way `graceMs` to come to its end, and ends. */
  async endGently(graceMs: number): Promise<void> {
    if (this.#ended) return;
    this.#rules = new Map();
    this.#assign();
    try {
      this.#redirect();
      const { all } = this.#listeners;
      for (const listener of all) if (listener.kind === 'http') listener.proxy.closeIdle();
      await this.#untilIdle(all, graceMs);
    } finally {
      await this.end();
    }
  }

  /** Lets new connections pass directly while there are too many, and redirects them again when there are fewer. */
  #weigh(): void {
    if (this.#bringing || !this.active) return;
    const full = isFull(this.#full, { own: this.open, namespaces: this.#namespaces(), all: this.#openInAll });
    if (full === this.#full) return;
    this.#full = full;
    this.#everFull ||= full;
    try {
      this.#redirect();
    } catch {
      // The next connection tries again.
      this.#full = !full;
    }
  }

  #noticeLess(): void {
    this.#weigh();
    this.#noticed?.();
    if (this.#noticed === undefined && this.#listeners.unused(this.#active).some(({ proxy }) => proxy.open === 0))
      this.#onLess();
  }

  /** Tells each proxy the rules that are in force now; those whose time has passed are not, for open connections either. */
  #assign(): void {
    this.#listeners.assign(this.#living().map(({ active }) => active));
  }

  #living(): Due[] {
    const now = this.#clock.monotonic();
    return [...this.#rules.values()].filter(({ due }) => due > now);
  }

  get #active(): ActiveRule[] {
    return [...this.#rules.values()].map(({ active }) => active);
  }

  #timed(rules: readonly Due[]): TimedRule[] {
    const now = this.#clock.monotonic();
    return rules.map(({ active, due }) => ({
      rule: active.rule,
      remainingMs: Math.max(1, Math.min(SIGN_OF_LIFE_MS, due - now)),
    }));
  }

  #redirect(): void {
    const hold = this.#listeners.has(({ kind }) => kind === 'http');
    const { ports } = this.#listeners;
    const duties: Duties = {
      rules: this.#timed([...this.#rules.values()]),
      returns: this.#returns,
      full: this.#full,
      ports,
    };
    this.#redirects.put(duties, { hold, keepHooks: this.#keepsHooks() });
  }

  /** The sign of life, as long as a rule lives. When one's time has passed, its faults end for open connections, too. */
  #beat(): void {
    this.#heartbeat?.cancel();
    const living = this.#living();
    if (living.length === 0) return;
    const now = this.#clock.monotonic();
    const next = Math.min(HEARTBEAT_MS, ...living.map(({ due }) => due - now));
    this.#heartbeat = this.#clock.after(Math.max(1, next), () => {
      try {
        this.#renew();
      } catch {
        // Without a sign of life the kernel ends the redirect by itself, which is what it is for.
      }
      this.#assign();
      this.#weigh();
      this.#beat();
    });
  }

  #renew(): void {
    const living = this.#living();
    if (living.length === 0) return;
    // Redirected to a proxy without a way back, connections would hang: others may have taken the route away.
    if (this.#returns) addPolicyRoute(this.#netns);
    try {
      this.#redirects.renew(this.#timed(living));
    } catch {
      this.#redirect();
    }
  }

  async #untilIdle(listeners: readonly Listener[], longestMs: number): Promise<void> {
    const idle = (): boolean => listeners.every(({ proxy }) => proxy.open === 0);
    if (idle()) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = this.#clock.after(longestMs, () => resolve(undefined));
    this.#noticed = () => {
      if (idle()) resolve(undefined);
    };
    await promise;
    timer.cancel();
    this.#noticed = undefined;
  }

  /** Nothing is lost without it, unless somebody else keeps conntrack on; and where it cannot be done, nobody can. */
  #forgetQueries(): void {
    try {
      forgetFlows(this.#netns, REDIRECTED_QUERY, PROXY_MASK);
    } catch {
      return;
    }
  }
}
