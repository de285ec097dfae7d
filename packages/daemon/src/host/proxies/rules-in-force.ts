/** The rules that are in force in one namespace, and until when. */
import type { Clock } from '@chaosplane/common';
import type { TimedRule } from '../../model/proxy-rule.ts';
import { activateDns } from '../../proxy/dns/decide.ts';
import { activateHttp } from '../../proxy/http/decide.ts';
import type { ActiveRule } from './listener.ts';

/** A rule in force, and when it ends on the clock that never jumps. */
interface Due {
  readonly active: ActiveRule;
  readonly due: number;
}

/**
 * How long the kernel goes on redirecting without a sign of life. A daemon that hangs gives no answer, so what it would have
 * taken must go to the application again, and much sooner than at the rule's own deadline.
 */
const SIGN_OF_LIFE_MS = 10_000;

/** Those of one namespace. */
export class RulesInForce {
  readonly #clock: Clock;
  #rules: ReadonlyMap<string, Due> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts `wanted` in force, and nothing else. What was counted for a rule that stays is kept. */
  bring(wanted: readonly TimedRule[]): void {
    const [before, now] = [this.#rules, this.#clock.monotonic()];
    this.#rules = new Map(
      wanted.map(({ rule, remainingMs }) => {
        const active = before.get(rule.id)?.active ?? (rule.kind === 'http' ? activateHttp(rule) : activateDns(rule));
        return [rule.id, { active, due: now + remainingMs }];
      }),
    );
  }

  get(id: string): ActiveRule | undefined {
    return this.#rules.get(id)?.active;
  }

  /** All, also those whose time has passed. */
  get all(): readonly ActiveRule[] {
    return [...this.#rules.values()].map(({ active }) => active);
  }

  /** Those whose time has not passed. */
  get living(): readonly ActiveRule[] {
    return this.#living().map(({ active }) => active);
  }

  /** For the kernel: how long each may live until the next sign of life. */
  timed(which: 'all' | 'living'): TimedRule[] {
    const now = this.#clock.monotonic();
    const rules = which === 'all' ? [...this.#rules.values()] : this.#living();
    return rules.map(({ active, due }) => ({
      rule: active.rule,
      remainingMs: Math.max(1, Math.min(SIGN_OF_LIFE_MS, due - now)),
    }));
  }

  /** Milliseconds until the next rule ends; undefined when none lives. */
  get nextEndMs(): number | undefined {
    const living = this.#living();
    if (living.length === 0) return undefined;
    return Math.min(...living.map(({ due }) => due)) - this.#clock.monotonic();
  }

  #living(): Due[] {
    const now = this.#clock.monotonic();
    return [...this.#rules.values()].filter(({ due }) => due > now);
  }
}
