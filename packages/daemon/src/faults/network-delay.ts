/** network-delay: packets in scope wait. */
import type { NetworkDelaySpec } from '@chaosplane/actions';
import { formatDuration } from '@chaosplane/common';
import type { NetworkFault } from './fault.ts';
import { counted, judge, packets, scopeOf } from './network-scope.ts';

export const networkDelay: NetworkFault<NetworkDelaySpec> = {
  shape: 'network',
  layer: ({ scope, latencyMs, jitterMs, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'delay', latencyMs, jitterMs, correlationPercent },
  }),
  evidence({ effect }, counts) {
    const delayed = counts.shaped?.packets ?? 0;
    const by = effect.kind === 'delay' ? ` by ${formatDuration(effect.latencyMs)}` : '';
    return {
      verdict: judge(counts.matched, delayed),
      summary: `${packets(delayed)} delayed${by}, of ${packets(counts.matched)} in scope`,
      counters: { ...counted(counts), packets_steered: counts.matched, packets_delayed: delayed },
    };
  },
};
