/** What the HTTP faults share: the rule of their scope, and how counts become evidence. Pure. */
import type { HttpScope } from '@chaosplane/actions';
import type { HttpEffect, HttpRule, ProxyCounts, ProxyRule } from '../proxy/rule.ts';
import type { Measured, RuleContext } from './fault.ts';
import { judge } from './network-scope.ts';

/** The rule that does `effect` to the requests of `scope`. */
export function httpRuleOf(scope: HttpScope, effect: HttpEffect, { id, probes }: RuleContext): HttpRule {
  const { side, port, level, path, methods, headers, percent, existing } = scope;
  return {
    kind: 'http',
    id,
    side,
    port,
    level,
    match: { ...(path === undefined ? {} : { path }), methods, headers },
    percent,
    effect,
    existing,
    ...(scope.spareProbes && probes !== undefined ? { spared: probes } : {}),
  };
}

/** What was counted, with `verb` for what was done: `delayed`. */
export function httpEvidence(rule: ProxyRule, { seen, matched, faulted, passed }: ProxyCounts, verb: string): Measured {
  const what = rule.kind === 'http' && rule.level === 'connection' ? 'connections' : 'requests';
  const untouched = passed === 0 ? '' : `; ${passed.toLocaleString('en-US')} connections passed untouched: not HTTP/1`;
  const numbers = [faulted, matched, seen].map((count) => count.toLocaleString('en-US'));
  return {
    verdict: judge(matched, faulted),
    summary: `${numbers[0] ?? ''} ${what} ${verb}, of ${numbers[1] ?? ''} that match and ${numbers[2] ?? ''} seen${untouched}`,
    counters: {
      [`${what}_seen`]: seen,
      [`${what}_matched`]: matched,
      [`${what}_faulted`]: faulted,
      connections_passed: passed,
    },
  };
}
