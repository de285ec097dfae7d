/** All proxies of one network namespace: brings listeners, redirects and routes from what is there to what the rules ask for. */
import type { Clock, Timer } from '@chaosplane/common';
import type { ProxyCounts, TimedRule } from '../../model/proxy-rule.ts';
import { PROXY_MASK, REDIRECTED_QUERY } from '../../proxy/names.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { forgetFlows } from './conntrack.ts';
import type { Listener } from './listener.ts';
import { Listeners } from './listeners.ts';
import { RulesInForce } from './rules-in-force.ts';
import { Steering, type SteeringContext } from './steering.ts';

/** A connection whose first packet was redirected may still be on its way to the proxy for so long. */
const ARRIVAL_MS = 100;
/** How long an undo waits for what is still open; a connection that takes longer is passed on in the background. */
const PATIENCE_MS = 1000;
/** How long connections of rules that are gone may stay open; then they are reset. */
const LONGEST_DRAIN_MS = 10 * 60_000;

/** Its calls must not overlap. Takes over `netns`. */
export class NamespaceProxies {
  readonly #netns: NetnsHandle;
  readonly #clock: Clock;
  readonly #surroundings: SteeringContext;
  readonly #rules: RulesInForce;
  readonly #listeners: Listeners;
  readonly #steering: Steering;
  #longestDrain: Timer | undefined;
  /** Rules are being brought: redirects may only be changed by that. */
  #bringing = false;
  /** Ends the wait for open connections. */
  #noticed: (() => void) | undefined;
  #ended = false;

  constructor(netns: NetnsHandle, clock: Clock, surroundings: SteeringContext) {
    this.#netns = netns;
    this.#clock = clock;
    this.#surroundings = surroundings;
    this.#rules = new RulesInForce(clock);
    this.#listeners = new Listeners(netns, clock, {
      onMore: () => this.#noticeMore(),
      onLess: () => this.#noticeLess(),
    });
    this.#steering = new Steering(netns, clock, { rules: this.#rules, listeners: this.#listeners, surroundings });
  }

  /** Nothing of it is left; it cannot be used any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether any rule is in force; without one, open connections may still be passed on. */
  get active(): boolean {
    return this.#rules.all.length > 0;
  }

  /** How many connections and queries are under way. */
  get open(): number {
    return this.#listeners.open;
  }

  /**
   * Makes `wanted` be in force, and nothing else. Connections that are open go on, regardless of rules that come and go; what was counted
   * for a rule that stays is kept. When this throws, call it with what was there before.
   */
  async bring(wanted: readonly TimedRule[]): Promise<void> {
    this.#longestDrain?.cancel();
    this.#rules.bring(wanted);
    this.#bringing = true;
    try {
      // A redirected connection must find a listener there, and the answers their way back.
      await this.#listeners.openFor(this.#rules.all);
      this.#steering.openWayBack();
      this.#assign();
      this.#steering.redirect();
    } finally {
      this.#bringing = false;
    }
    this.#noticeMore();
    this.#steering.beat(() => {
      this.#assign();
      if (!this.#bringing) this.#steering.loosen();
    });
    const unused = this.#listeners.unused(this.#rules.all);
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
    this.#steering.redirect();
    await this.sweep();
  }

  /** Closes what no rule needs and no connection uses any more; in the end everything, or all but the hooks that stay for others. */
  async sweep(): Promise<void> {
    if (this.#ended) return;
    this.#listeners.closeUnused(this.#rules.all);
    const left = this.#listeners.all;
    if (!this.active && left.length === 0 && !this.#surroundings.keepsHooks()) {
      await this.end();
      return;
    }
    if (!left.some(({ kind }) => kind === 'dns')) this.#forgetQueries();
    this.#steering.closeWayBack();
  }

  /** What was counted for a rule that is in force. */
  counts(id: string): Omit<ProxyCounts, 'openBefore'> | undefined {
    return this.#steering.counts(id);
  }

  /** Ends everything now; what is still open is reset. Does all its steps, and throws the first error. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#rules.bring([]);
    this.#steering.stopBeating();
    this.#longestDrain?.cancel();
    const steps: readonly (() => unknown)[] = [
      ...this.#steering.removals,
      () => this.#forgetQueries(),
      ...this.#listeners.all.map((listener) => () => listener.proxy.close()),
      () => this.#steering.close(),
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
    this.#rules.bring([]);
    this.#assign();
    try {
      this.#steering.redirect();
      const { all } = this.#listeners;
      for (const listener of all) if (listener.kind === 'http') listener.proxy.closeIdle();
      await this.#untilIdle(all, graceMs);
    } finally {
      await this.end();
    }
  }

  #noticeMore(): void {
    if (!this.#bringing && this.active) this.#steering.tighten();
  }

  #noticeLess(): void {
    this.#noticed?.();
    if (this.#noticed === undefined && this.#listeners.unused(this.#rules.all).some(({ proxy }) => proxy.open === 0))
      this.#surroundings.onLess();
  }

  /** Tells each proxy the rules that are in force now; those whose time has passed are not, for open connections either. */
  #assign(): void {
    this.#listeners.assign(this.#rules.living);
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

  /** Without it nothing is lost, unless another program keeps conntrack on. Where the kernel refuses it, there is no other way. */
  #forgetQueries(): void {
    try {
      forgetFlows(this.#netns, REDIRECTED_QUERY, PROXY_MASK);
    } catch {
      return;
    }
  }
}
