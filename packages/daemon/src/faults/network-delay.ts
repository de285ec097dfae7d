/** network-delay: packets in scope wait before they leave. */
import type { NetworkDelaySpec } from '@chaosplane/actions';
import { formatDuration } from '@chaosplane/common';
import type { NetworkFault } from './fault.ts';
import { judge, packets, scopeOf } from './network-scope.ts';

export const networkDelay: NetworkFault<NetworkDelaySpec> = {
  shape: 'network',
  layer: ({ scope, latencyMs, jitterMs, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'delay', latencyMs, jitterMs, correlationPercent },
  }),
  evidence({ effect }, { matched, matchedBytes, delayed = 0 }) {
    const by = effect.kind === 'delay' ? ` by ${formatDuration(effect.latencyMs)}` : '';
    return {
      verdict: judge(matched, delayed),
      summary: `${packets(delayed)} delayed${by}, of ${packets(matched)} in scope`,
      counters: { packets_matched: matched, bytes_matched: matchedBytes, packets_delayed: delayed },
    };
  },
};
