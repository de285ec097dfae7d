/** network-loss: a share of the packets in scope disappears, as on a bad link. */
import type { NetworkLossSpec } from '@chaosplane/actions';
import type { NetworkFault } from './fault.ts';
import { judge, packets, scopeOf } from './network-scope.ts';

export const networkLoss: NetworkFault<NetworkLossSpec> = {
  shape: 'network',
  layer: ({ scope, percent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'loss', percent },
  }),
  evidence(_layer, { matched, matchedBytes, dropped }) {
    const share = matched === 0 ? '' : ` (${((100 * dropped) / matched).toFixed(1)} %)`;
    return {
      verdict: judge(matched, dropped),
      summary: `${packets(dropped)} dropped${share}, of ${packets(matched)} in scope`,
      counters: { packets_matched: matched, bytes_matched: matchedBytes, packets_dropped: dropped },
    };
  },
};
