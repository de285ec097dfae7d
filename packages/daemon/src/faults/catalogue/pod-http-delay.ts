/** pod-http-delay: requests wait before they are passed on. */
import type { PodHttpDelaySpec } from '@chaosplane/actions';
import { formatDuration } from '@chaosplane/common';
import type { ProxyFault } from '../fault.ts';
import { httpEvidence, httpRuleOf } from '../shared/http-rule.ts';

export const podHttpDelay: ProxyFault<PodHttpDelaySpec> = {
  driver: 'proxy',
  rule: ({ scope, delayMs }, context) => httpRuleOf(scope, { kind: 'delay', delayMs }, context),
  evidence(rule, counts) {
    const by = rule.kind === 'http' && rule.effect.kind === 'delay' ? ` by ${formatDuration(rule.effect.delayMs)}` : '';
    return httpEvidence(rule, counts, `delayed${by}`);
  },
};
