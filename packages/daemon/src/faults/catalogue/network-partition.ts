/** network-partition: no packet in scope passes. */
import type { NetworkPartitionSpec } from '@chaosplane/actions';
import type { NetworkFault } from '../fault.ts';
import { counted, scopeOf } from '../shared/network-scope.ts';
import { judgeAll, packets } from '../shared/network-verdict.ts';

export const networkPartition: NetworkFault<NetworkPartitionSpec> = {
  driver: 'network',
  layer: ({ scope, how }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'partition', how },
  }),
  evidence({ effect }, counts) {
    const { matched, hit } = counts;
    const done = effect.kind === 'partition' && effect.how !== 'silent' ? 'refused' : 'dropped';
    const { verdict, words } = judgeAll(counts, hit, done);
    return {
      verdict,
      summary: `${packets(hit)} ${done}, of ${packets(matched)} in scope${words}`,
      counters: { ...counted(counts), packets_dropped: hit },
    };
  },
};
