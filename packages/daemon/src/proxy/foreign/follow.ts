/** Follows a connection's first packet through the chains of others: whether it is sent elsewhere, and by which rule. Pure. */
import type { ForeignRedirect } from '../../model/foreign-redirect.ts';
import { every, type Flow } from './flow.ts';
import type { ForeignChain, ForeignRule, ForeignTable, Verdict } from './rules.ts';

/** So many rules are looked at; more would be a program rather than a pod's rules. */
const MOST_STEPS = 100_000;

/** The redirect that the flow meets; rather one that it meets for certain. Undefined: it goes where it was sent. */
export function redirectOf(tables: readonly ForeignTable[], flow: Flow): ForeignRedirect | undefined {
  const found: ForeignRedirect[] = [];
  for (const table of tables) {
    if (!table.families.includes(flow.family)) continue;
    for (const chain of table.chains.values()) {
      if (chain.hook === flow.hook) found.push(...new Walk(table, flow).redirects(chain));
    }
  }
  return found.find(({ certain }) => certain) ?? found[0];
}

/** Where a chain goes on once the one that it called is through. */
interface Place {
  readonly chain: ForeignChain;
  readonly at: number;
}

/** One packet in the chains of one table. */
class Walk {
  readonly #table: ForeignTable;
  readonly #flow: Flow;
  readonly #found: ForeignRedirect[] = [];
  #steps = 0;

  constructor(table: ForeignTable, flow: Flow) {
    this.#table = table;
    this.#flow = flow;
  }

  redirects(base: ForeignChain): readonly ForeignRedirect[] {
    this.#follow({ chain: base, at: 0 }, [], true);
    return this.#found;
  }

  /** Both ways when a rule may be met or not. `callers`: where to go on, the last first. */
  #follow({ chain, at }: Place, callers: readonly Place[], certain: boolean): void {
    let sure = certain;
    for (let index = at; index < chain.rules.length; index += 1) {
      const rule = chain.rules[index];
      if (rule === undefined) break;
      if ((this.#steps += 1) > MOST_STEPS) {
        this.#report(rule, [...callers, { chain, at: index }], false);
        return;
      }
      if (rule.verdict.kind === 'next') continue;
      const answer = every(rule.conditions.map((condition) => condition(this.#flow)));
      if (answer === 'no') continue;
      const here = { chain, at: index + 1 };
      if (this.#act(rule, rule.verdict, here, callers, sure && answer === 'yes') && answer === 'yes') return;
      sure &&= answer === 'yes';
    }
    const back = callers.at(-1);
    if (back !== undefined) this.#follow(back, callers.slice(0, -1), sure);
  }

  /** Whether the packet is gone from this chain for certain, if the rule is met. */
  #act(rule: ForeignRule, verdict: Verdict, here: Place, callers: readonly Place[], certain: boolean): boolean {
    switch (verdict.kind) {
      case 'next':
        return false;
      case 'end':
        return true;
      case 'redirect':
        this.#report(rule, [...callers, here], certain);
        return true;
      case 'untracked':
        this.#report(rule, [...callers, here], certain);
        return false;
      case 'return': {
        const back = callers.at(-1);
        if (back !== undefined) this.#follow(back, callers.slice(0, -1), certain);
        return true;
      }
      case 'jump':
      case 'goto': {
        const chain = this.#table.chains.get(verdict.chain);
        // What calls itself is refused by the kernel; what is not there cannot be called.
        if (chain === undefined || callers.length > 16) return false;
        this.#follow({ chain, at: 0 }, verdict.kind === 'jump' ? [...callers, here] : callers, certain);
        return true;
      }
      case 'choice': {
        for (const choice of verdict.choices) {
          const answer = choice.condition(this.#flow);
          if (answer === 'no') continue;
          const gone = this.#act(rule, choice.verdict, here, callers, certain && answer === 'yes');
          if (answer === 'yes') return gone;
        }
        return false;
      }
    }
  }

  #report(rule: ForeignRule, places: readonly Place[], certain: boolean): void {
    const path = places.map(({ chain }) => chain.name);
    const what = rule.verdict.kind === 'untracked' ? 'untracked' : 'redirected';
    if (this.#found.length < 8) this.#found.push({ what, table: this.#table.name, path, rule: rule.words(), certain });
  }
}
