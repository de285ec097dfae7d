/** What becomes of one query under all DNS rules of a namespace. Pure but for the dice. */
import type { DnsRule } from '../../model/proxy-rule.ts';
import { domainMatcher, type DomainMatcher } from './domains.ts';
import { failureOf, readQuery } from './query.ts';

/** A rule that is in force, with what it has counted. */
export interface ActiveDnsRule {
  readonly rule: DnsRule;
  readonly matcher: DomainMatcher;
  seen: number;
  matched: number;
  faulted: number;
}

/** Forward it, or give this answer, or none. */
export type DnsDecision =
  { readonly kind: 'forward' } | { readonly kind: 'answer'; readonly message: Buffer | undefined };

export function activateDns(rule: DnsRule): ActiveDnsRule {
  return { rule, matcher: domainMatcher(rule.domains, rule.searches), seen: 0, matched: 0, faulted: 0 };
}

/** The first rule that matches and whose dice fall so decides; all that were asked count it. */
export function decideDns(rules: readonly ActiveDnsRule[], message: Buffer, random: () => number): DnsDecision {
  if (rules.length === 0) return { kind: 'forward' };
  const query = readQuery(message);
  for (const active of rules) active.seen += 1;
  if (query === undefined) return { kind: 'forward' };
  for (const active of rules) {
    if (!active.matcher.matches(query.name)) continue;
    active.matched += 1;
    if (random() * 100 >= active.rule.percent) continue;
    active.faulted += 1;
    return { kind: 'answer', message: failureOf(message, query, active.rule.answer) };
  }
  return { kind: 'forward' };
}
