/** network-corrupt: a share of the packets in scope gets a wrong bit. */
import type { NetworkCorruptSpec } from '@chaosplane/actions';
import type { NetworkFault } from '../fault.ts';
import { NOTHING_COUNTED } from '../../netns/counters.ts';
import { counted, queued, scopeOf } from '../shared/network-scope.ts';
import { judgeChance, packets, reached, share } from '../shared/network-verdict.ts';

export const networkCorrupt: NetworkFault<NetworkCorruptSpec> = {
  driver: 'network',
  layer: ({ scope, percent, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'corrupt', percent, correlationPercent },
  }),
  evidence(layer, counts) {
    // Chosen by nft; what left netem or the queue backend has its wrong bit.
    const { shaped = NOTHING_COUNTED.shaped, matched, hit, unattended } = counts;
    const corrupted = shaped.packets;
    const chosen = judgeChance(layer, counts);
    // How many were chosen before this daemon took it over is not known.
    const missed = (unattended ?? 0) > 0 ? 0 : Math.max(0, hit - reached(shaped));
    const words =
      missed === 0 ? chosen.words : `${chosen.words}; ${packets(missed)} that chance chose were not corrupted`;
    const all = missed === 0 && (hit === 0 || reached(shaped) > 0);
    return {
      verdict: chosen.verdict === 'verified' && !all ? 'not-observed' : chosen.verdict,
      summary: `${packets(corrupted)} corrupted${share(corrupted, matched)}${queued(shaped)}, of ${packets(matched)} in scope${words}`,
      counters: {
        ...counted(counts),
        packets_steered: hit,
        packets_corrupted: corrupted,
        packets_held: shaped.held,
        bytes_held: shaped.heldBytes,
        packets_lost_full: shaped.drops,
      },
    };
  },
};
