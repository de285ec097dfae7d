/** network-partition: no packet in scope passes. */
import type { NetworkPartitionSpec } from '@chaosplane/actions';
import type { NetworkFault } from './fault.ts';
import { counted, judge, packets, scopeOf } from './network-scope.ts';

export const networkPartition: NetworkFault<NetworkPartitionSpec> = {
  shape: 'network',
  layer: ({ scope }, context) => ({ id: context.id, scope: scopeOf(scope, context), effect: { kind: 'partition' } }),
  evidence(_layer, counts) {
    const { matched, struck } = counts;
    return {
      verdict: judge(matched, struck),
      summary: `${packets(struck)} dropped, of ${packets(matched)} in scope`,
      counters: { ...counted(counts), packets_dropped: struck },
    };
  },
};
