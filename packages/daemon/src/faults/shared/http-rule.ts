/** What the HTTP faults share: the rule of their scope, and how counts become evidence. Pure. */
import type { HttpScope } from '@chaosplane/actions';
import { countOf, defined } from '@chaosplane/common';
import type { HttpEffect, HttpRule, ProxyCounts, ProxyRule } from '../../model/proxy-rule.ts';
import { aboutOpen } from '../../proxy/left-alone.ts';
import { aboutBeyond } from '../../proxy/limits.ts';
import type { Measured, RuleContext } from '../fault.ts';
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
    match: { ...defined({ path }), methods, headers },
    percent,
    effect,
    existing,
    ...(scope.spareProbes && probes !== undefined ? { spared: probes } : {}),
  };
}

/** What was counted, with `verb` for what was done: `delayed`. */
export function httpEvidence(rule: ProxyRule, counts: ProxyCounts, verb: string): Measured {
  const { seen, matched, faulted, passed, openBefore, beyond } = counts;
  const one = rule.kind === 'http' && rule.level === 'connection' ? 'connection' : 'request';
  const what = `${one}s`;
  const untouched = passed === 0 ? '' : `; ${countOf(passed, 'connection')} passed untouched: not HTTP/1`;
  const whole = `of ${matched.toLocaleString('en-US')} that match and ${seen.toLocaleString('en-US')} seen`;
  return {
    verdict: judge(matched, faulted),
    summary: `${countOf(faulted, one)} ${verb}, ${whole}${untouched}${aboutOpen(openBefore)}${aboutBeyond(beyond)}`,
    counters: {
      [`${what}_seen`]: seen,
      [`${what}_matched`]: matched,
      [`${what}_faulted`]: faulted,
      connections_passed: passed,
      connections_open_before: openBefore,
      connections_beyond_limit: beyond,
    },
  };
}
