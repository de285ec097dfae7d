/** network-loss: a share of the packets in scope disappears, as on a bad link. */
import type { NetworkLossSpec } from '@chaosplane/actions';
import type { NetworkFault } from '../fault.ts';
import { counted, scopeOf } from '../shared/network-scope.ts';
import { judgeChance, packets, share } from '../shared/network-verdict.ts';

export const networkLoss: NetworkFault<NetworkLossSpec> = {
  driver: 'network',
  layer: ({ scope, percent, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'loss', percent, correlationPercent },
  }),
  evidence(layer, counts) {
    const { matched, hit } = counts;
    const { verdict, words } = judgeChance(layer, counts);
    return {
      verdict,
      summary: `${packets(hit)} dropped${share(hit, matched)}, of ${packets(matched)} in scope${words}`,
      counters: { ...counted(counts), packets_dropped: hit },
    };
  },
};
