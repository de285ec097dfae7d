/** What becomes of one request, or one connection, under all HTTP rules of its port. Pure but for the dice. */
import { matchesGlob } from '../glob.ts';
import type { HttpMatch, HttpRule } from '../../model/proxy-rule.ts';
import type { RequestHead } from './head.ts';

/** A rule that is in force, with what it has counted. */
export interface ActiveHttpRule {
  readonly rule: HttpRule;
  seen: number;
  matched: number;
  faulted: number;
  passed: number;
}

/** What happens, in this order. */
export interface HttpDecision {
  readonly delayMs: number;
  /** Absent: the request goes on. */
  readonly end?: { readonly kind: 'status'; readonly status: number } | { readonly kind: 'reset' };
}

export function activateHttp(rule: HttpRule): ActiveHttpRule {
  return { rule, seen: 0, matched: 0, faulted: 0, passed: 0 };
}

const NOTHING: HttpDecision = { delayMs: 0 };

/** Delays add up; the first rule that ends a request ends it, after its delay. Each rule rolls its own dice. */
export function decideRequest(rules: readonly ActiveHttpRule[], head: RequestHead, random: () => number): HttpDecision {
  return decide(
    rules.filter(({ rule }) => rule.level === 'request'),
    ({ match }) => satisfies(match, head),
    random,
  );
}

/** The same for a connection as a whole, before any byte of it has passed. */
export function decideConnection(rules: readonly ActiveHttpRule[], random: () => number): HttpDecision {
  return decide(
    rules.filter(({ rule }) => rule.level === 'connection'),
    () => true,
    random,
  );
}

function decide(
  rules: readonly ActiveHttpRule[],
  matches: (rule: HttpRule) => boolean,
  random: () => number,
): HttpDecision {
  if (rules.length === 0) return NOTHING;
  let delayMs = 0;
  let end: HttpDecision['end'];
  for (const active of rules) {
    active.seen += 1;
    if (!matches(active.rule)) continue;
    active.matched += 1;
    if (random() * 100 >= active.rule.percent) continue;
    const { effect } = active.rule;
    if (effect.kind === 'delay') delayMs += effect.delayMs;
    else if (end === undefined) end = effect;
    else continue;
    active.faulted += 1;
  }
  return { delayMs, ...(end === undefined ? {} : { end }) };
}

function satisfies(match: HttpMatch, { method, path, headers }: RequestHead): boolean {
  if (match.methods.length > 0 && !match.methods.includes(method)) return false;
  if (match.path !== undefined && !matchesGlob(match.path, path)) return false;
  return match.headers.every((wanted) =>
    headers.some(([name, value]) => name === wanted.name && matchesGlob(wanted.value, value)),
  );
}
