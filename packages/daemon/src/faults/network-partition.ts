/** network-partition: no packet in scope passes. */
import type { NetworkPartitionSpec } from '@chaosplane/actions';
import type { NetworkFault } from './fault.ts';
import { judge, packets, scopeOf } from './network-scope.ts';

export const networkPartition: NetworkFault<NetworkPartitionSpec> = {
  shape: 'network',
  layer: ({ scope }, context) => ({ id: context.id, scope: scopeOf(scope, context), effect: { kind: 'partition' } }),
  evidence(_layer, { matched, matchedBytes, dropped }) {
    return {
      verdict: judge(matched, dropped),
      summary: `${packets(dropped)} dropped, of ${packets(matched)} in scope`,
      counters: { packets_matched: matched, bytes_matched: matchedBytes, packets_dropped: dropped },
    };
  },
};
