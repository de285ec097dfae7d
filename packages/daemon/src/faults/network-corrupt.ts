/** network-corrupt: a share of the packets in scope gets a wrong bit. */
import type { NetworkCorruptSpec } from '@chaosplane/actions';
import type { NetworkFault } from './fault.ts';
import { counted, judge, packets, scopeOf, share } from './network-scope.ts';

export const networkCorrupt: NetworkFault<NetworkCorruptSpec> = {
  shape: 'network',
  layer: ({ scope, percent, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'corrupt', percent, correlationPercent },
  }),
  evidence(_layer, counts) {
    // Chosen by nft; what left netem or the queue engine has its wrong bit.
    const corrupted = counts.shaped?.packets ?? 0;
    return {
      verdict: judge(counts.matched, corrupted),
      summary: `${packets(corrupted)} corrupted${share(corrupted, counts.matched)}, of ${packets(counts.matched)} in scope`,
      counters: { ...counted(counts), packets_steered: counts.struck, packets_corrupted: corrupted },
    };
  },
};
