/** pod-http-abort: requests get a status in place of an answer, or a reset. */
import type { PodHttpAbortSpec } from '@chaosplane/actions';
import type { ProxyFault } from '../fault.ts';
import { httpEvidence, httpRuleOf } from '../shared/http-rule.ts';

export const podHttpAbort: ProxyFault<PodHttpAbortSpec> = {
  driver: 'proxy',
  rule: ({ scope, statusCode }, context) =>
    httpRuleOf(scope, statusCode === undefined ? { kind: 'reset' } : { kind: 'status', status: statusCode }, context),
  evidence(rule, counts) {
    const verb = rule.kind === 'http' && rule.effect.kind === 'status' ? `answered ${rule.effect.status}` : 'reset';
    return httpEvidence(rule, counts, verb);
  },
};
