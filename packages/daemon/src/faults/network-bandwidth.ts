/** network-bandwidth: packets in scope pass no faster than a rate. */
import type { NetworkBandwidthSpec } from '@chaosplane/actions';
import { formatRate } from '@chaosplane/common';
import type { NetworkFault } from './fault.ts';
import { counted, judge, packets, scopeOf } from './network-scope.ts';

export const networkBandwidth: NetworkFault<NetworkBandwidthSpec> = {
  shape: 'network',
  layer: ({ scope, rateBits, burstBytes, latencyMs }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'bandwidth', rateBits, burstBytes, latencyMs },
  }),
  evidence({ effect }, counts) {
    const { packets: shaped, bytes, drops } = counts.shaped ?? { packets: 0, bytes: 0, drops: 0 };
    const rate = effect.kind === 'bandwidth' ? ` limited to ${formatRate(effect.rateBits)}` : '';
    const full = drops === 0 ? '' : `, ${packets(drops)} dropped because the queue was full`;
    return {
      verdict: judge(counts.matched, shaped),
      summary: `${packets(shaped)} with ${bytes.toLocaleString('en-US')} bytes${rate}${full}`,
      counters: {
        ...counted(counts),
        packets_steered: counts.matched,
        packets_shaped: shaped,
        bytes_shaped: bytes,
        packets_dropped: drops,
      },
    };
  },
};
