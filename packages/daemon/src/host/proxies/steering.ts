/** What leads the connections of one namespace to its proxies: redirects with a sign of life, and the answers' way back. */
import type { Clock, Timer } from '@chaosplane/common';
import type { ProxyCounts } from '../../model/proxy-rule.ts';
import { isFull } from '../../proxy/limits.ts';
import { beyondName, strayName } from '../../proxy/table.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { isDns } from './listener.ts';
import type { Listeners } from './listeners.ts';
import { addPolicyRoute, removePolicyRoute } from './policy-route.ts';
import { openRedirects, type Redirects } from './redirects.ts';
import type { RulesInForce } from './rules-in-force.ts';

const HEARTBEAT_MS = 2500;

/** What the proxies of a namespace know of the rest of the daemon. */
export interface SteeringContext {
  /** Something was closed that no rule needs any more: then `sweep` has something to do. */
  readonly onLess: () => void;
  /** Packets wait in a queue of the namespace, and would be lost with any hook that goes. */
  readonly keepsHooks: () => boolean;
  /** How many namespaces have proxies, with this one. */
  readonly namespaces: () => number;
  /** Connections and queries under way in all of them. */
  readonly openInAll: () => number;
}

/** Its calls are synchronous: each leaves the namespace as it says, or throws. */
export class Steering {
  readonly #netns: NetnsHandle;
  readonly #clock: Clock;
  readonly #rules: RulesInForce;
  readonly #listeners: Listeners;
  readonly #surroundings: SteeringContext;
  readonly #redirects: Redirects;
  /** Whether a proxy may have connections to the application: then the policy route is there. */
  #returns = false;
  /** New connections pass directly, because there are too many already; and whether that ever was so. */
  #full = false;
  #everFull = false;
  #heartbeat: Timer | undefined;

  constructor(
    netns: NetnsHandle,
    clock: Clock,
    parts: { readonly rules: RulesInForce; readonly listeners: Listeners; readonly surroundings: SteeringContext },
  ) {
    this.#netns = netns;
    this.#clock = clock;
    this.#rules = parts.rules;
    this.#listeners = parts.listeners;
    this.#surroundings = parts.surroundings;
    this.#redirects = openRedirects(netns);
  }

  /** Adds the answers' way back where a rule needs one. */
  openWayBack(): void {
    this.#returns ||= this.#rules.all.some(({ rule }) => rule.kind === 'http' && rule.side === 'server');
    if (this.#returns) addPolicyRoute(this.#netns);
  }

  /** Takes it away where no listener needs it any more. The rule of the zone is as good as a hook; see `returnChains`. */
  closeWayBack(): void {
    const needed = this.#listeners.has((listener) => listener.kind === 'http' && listener.side === 'server');
    if (!this.#returns || needed || this.#surroundings.keepsHooks()) return;
    this.#returns = false;
    this.redirect();
    removePolicyRoute(this.#netns);
  }

  /** Redirects for the rules that are in force now. */
  redirect(): void {
    const hold = this.#listeners.has(({ kind }) => kind === 'http');
    const { ports } = this.#listeners;
    const duties = { rules: this.#rules.timed('all'), returns: this.#returns, full: this.#full, ports };
    this.#redirects.put(duties, { hold, keepHooks: this.#surroundings.keepsHooks() });
  }

  /** Lets new connections pass directly when there are too many. */
  tighten(): void {
    if (this.#full || !this.#isFull()) return;
    this.#everFull = true;
    this.#change(true);
  }

  /** Redirects them again when there are fewer. With each sign of life only: each change is a transaction of nftables. */
  loosen(): void {
    if (this.#full && !this.#isFull()) this.#change(false);
  }

  #isFull(): boolean {
    const { namespaces, openInAll } = this.#surroundings;
    return isFull(this.#full, { own: this.#listeners.open, namespaces: namespaces(), all: openInAll });
  }

  #change(full: boolean): void {
    this.#full = full;
    try {
      this.redirect();
    } catch {
      // The next connection, or the next sign of life, tries again.
      this.#full = !full;
    }
  }

  /** Gives a sign of life as long as a rule lives; `then` is called after each, and when a rule's time has passed. */
  beat(then: () => void): void {
    this.#heartbeat?.cancel();
    const { nextEndMs } = this.#rules;
    if (nextEndMs === undefined) return;
    this.#heartbeat = this.#clock.after(Math.max(1, Math.min(HEARTBEAT_MS, nextEndMs)), () => {
      try {
        this.#renew();
      } catch {
        // Without a sign of life the kernel ends the redirect by itself, which is what it is for.
      }
      then();
      this.beat(then);
    });
  }

  stopBeating(): void {
    this.#heartbeat?.cancel();
  }

  /** What was counted for a rule that is in force. */
  counts(id: string): Omit<ProxyCounts, 'openBefore'> | undefined {
    const active = this.#rules.get(id);
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

  /** The steps by which all of it goes; each may throw, and the others are still to be done. */
  get removals(): readonly (() => void)[] {
    return [() => this.#redirects.remove(), () => removePolicyRoute(this.#netns)];
  }

  /** After the removals. */
  close(): Promise<void> {
    return this.#redirects.close();
  }

  #renew(): void {
    const living = this.#rules.timed('living');
    if (living.length === 0) return;
    // Redirected to a proxy without a way back, connections would hang: others may have taken the route away.
    if (this.#returns) addPolicyRoute(this.#netns);
    try {
      this.#redirects.renew(living);
    } catch {
      this.redirect();
    }
  }
}
