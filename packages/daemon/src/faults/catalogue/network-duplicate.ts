/** network-duplicate: a share of the packets in scope arrives twice. */
import type { NetworkDuplicateSpec } from '@chaosplane/actions';
import type { NetworkFault } from '../fault.ts';
import { counted, scopeOf } from '../shared/network-scope.ts';
import { judgeChance, packets, share } from '../shared/network-verdict.ts';

export const networkDuplicate: NetworkFault<NetworkDuplicateSpec> = {
  driver: 'network',
  layer: ({ scope, percent, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'duplicate', percent, correlationPercent },
  }),
  evidence(layer, counts) {
    const { matched, hit } = counts;
    const { verdict, words } = judgeChance(layer, counts);
    return {
      verdict,
      summary: `${packets(hit)} duplicated${share(hit, matched)}, of ${packets(matched)} in scope${words}`,
      counters: { ...counted(counts), packets_duplicated: hit },
    };
  },
};
