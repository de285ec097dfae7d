/** network-duplicate: a share of the packets in scope arrives twice. */
import type { NetworkDuplicateSpec } from '@chaosplane/actions';
import type { NetworkFault } from './fault.ts';
import { counted, judge, packets, scopeOf, share } from './network-scope.ts';

export const networkDuplicate: NetworkFault<NetworkDuplicateSpec> = {
  shape: 'network',
  layer: ({ scope, percent, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'duplicate', percent, correlationPercent },
  }),
  evidence(_layer, counts) {
    const { matched, struck } = counts;
    return {
      verdict: judge(matched, struck),
      summary: `${packets(struck)} duplicated${share(struck, matched)}, of ${packets(matched)} in scope`,
      counters: { ...counted(counts), packets_duplicated: struck },
    };
  },
};
