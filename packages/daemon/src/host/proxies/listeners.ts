/** All proxies that listen in one namespace: opened for rules, told of rules, and closed when no rule needs them. */
import type { Clock } from '@chaosplane/common';
import type { Ports } from '../../proxy/table.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { assignRules, listenerKey, listenersOf, openListener, type ActiveRule, type Listener } from './listener.ts';

/** Called when a connection or a query begins, and when one has ended. */
export interface Noticing {
  readonly onMore: () => void;
  readonly onLess: () => void;
}

/** The listeners of one namespace. */
export class Listeners {
  readonly #netns: NetnsHandle;
  readonly #clock: Clock;
  readonly #noticing: Noticing;
  readonly #all = new Map<string, Listener>();
  /** Where they listen. */
  readonly ports: Ports = {
    http: (side, family) => {
      const listener = this.#all.get(listenerKey(side, family));
      return listener?.kind === 'http' ? listener.proxy.port : undefined;
    },
    dns: (resolver) => {
      const listener = this.#all.get(resolver);
      return listener?.kind === 'dns' ? listener.proxy : undefined;
    },
  };

  constructor(netns: NetnsHandle, clock: Clock, noticing: Noticing) {
    this.#netns = netns;
    this.#clock = clock;
    this.#noticing = noticing;
  }

  get all(): readonly Listener[] {
    return [...this.#all.values()];
  }

  /** How many connections and queries are under way. */
  get open(): number {
    let sum = 0;
    for (const { proxy } of this.#all.values()) sum += proxy.open;
    return sum;
  }

  has(like: (listener: Listener) => boolean): boolean {
    return this.all.some(like);
  }

  /** Opens those that `rules` need and that are not there. */
  async openFor(rules: readonly ActiveRule[]): Promise<void> {
    for (const { rule } of rules) {
      for (const key of listenersOf(rule)) {
        if (this.#all.has(key)) continue;
        const listener = await openListener(this.#netns, this.#clock, rule, key);
        if (listener === undefined) continue;
        Object.assign(listener.proxy, this.#noticing);
        this.#all.set(key, listener);
      }
    }
  }

  /** Tells each its own of the rules that are in force now. */
  assign(living: readonly ActiveRule[]): void {
    for (const listener of this.#all.values()) assignRules(listener, living);
  }

  /** Those that none of `rules` needs. */
  unused(rules: readonly ActiveRule[]): Listener[] {
    return this.#unused(rules).map(([, listener]) => listener);
  }

  /** Closes those that none of `rules` needs and no connection uses any more. */
  closeUnused(rules: readonly ActiveRule[]): void {
    for (const [key, listener] of this.#unused(rules)) {
      if (listener.proxy.open > 0) continue;
      this.#all.delete(key);
      listener.proxy.close();
    }
  }

  /** Closes all, with their connections. */
  close(): void {
    for (const { proxy } of this.#all.values()) proxy.close();
    this.#all.clear();
  }

  #unused(rules: readonly ActiveRule[]): [string, Listener][] {
    const used = new Set(rules.flatMap(({ rule }) => listenersOf(rule)));
    return [...this.#all].filter(([key]) => !used.has(key));
  }
}
