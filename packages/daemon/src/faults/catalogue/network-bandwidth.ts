/** network-bandwidth: packets in scope pass no faster than a rate. */
import type { NetworkBandwidthSpec } from '@chaosplane/actions';
import { formatRate } from '@chaosplane/common';
import type { NetworkFault } from '../fault.ts';
import { NOTHING_COUNTED } from '../../netns/counters.ts';
import { counted, queued, scopeOf } from '../shared/network-scope.ts';
import { judgeAll, packets, reached } from '../shared/network-verdict.ts';

export const networkBandwidth: NetworkFault<NetworkBandwidthSpec> = {
  driver: 'network',
  layer: ({ scope, rateBits, burstBytes, latencyMs }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'bandwidth', rateBits, burstBytes, latencyMs },
  }),
  evidence({ effect }, counts) {
    const { shaped = NOTHING_COUNTED.shaped } = counts;
    const { packets: passed, bytes, held, heldBytes, drops } = shaped;
    const { verdict, words } = judgeAll(counts, reached(shaped), 'limited');
    const rate = effect.kind === 'bandwidth' ? ` limited to ${formatRate(effect.rateBits)}` : '';
    return {
      verdict,
      summary: `${packets(passed)} with ${bytes.toLocaleString('en-US')} bytes${rate}${queued(shaped)}${words}`,
      counters: {
        ...counted(counts),
        packets_steered: counts.matched,
        packets_shaped: passed,
        bytes_shaped: bytes,
        packets_held: held,
        bytes_held: heldBytes,
        packets_dropped: drops,
      },
    };
  },
};
