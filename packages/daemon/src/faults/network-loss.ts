/** network-loss: a share of the packets in scope disappears, as on a bad link. */
import type { NetworkLossSpec } from '@chaosplane/actions';
import type { NetworkFault } from './fault.ts';
import { counted, judge, packets, scopeOf, share } from './network-scope.ts';

export const networkLoss: NetworkFault<NetworkLossSpec> = {
  shape: 'network',
  layer: ({ scope, percent, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'loss', percent, correlationPercent },
  }),
  evidence(_layer, counts) {
    const { matched, struck } = counts;
    return {
      verdict: judge(matched, struck),
      summary: `${packets(struck)} dropped${share(struck, matched)}, of ${packets(matched)} in scope`,
      counters: { ...counted(counts), packets_dropped: struck },
    };
  },
};
