/** network-delay: packets in scope wait. */
import type { NetworkDelaySpec } from '@chaosplane/actions';
import { formatDuration } from '@chaosplane/common';
import type { NetworkFault } from '../fault.ts';
import { NOTHING_COUNTED } from '../../netns/counters.ts';
import { counted, queued, scopeOf } from '../shared/network-scope.ts';
import { judgeAll, packets, reached } from '../shared/network-verdict.ts';

export const networkDelay: NetworkFault<NetworkDelaySpec> = {
  driver: 'network',
  layer: ({ scope, latencyMs, jitterMs, correlationPercent }, context) => ({
    id: context.id,
    scope: scopeOf(scope, context),
    effect: { kind: 'delay', latencyMs, jitterMs, correlationPercent },
  }),
  evidence({ effect }, counts) {
    const { shaped = NOTHING_COUNTED.shaped, matched } = counts;
    const by = effect.kind === 'delay' ? ` by ${formatDuration(effect.latencyMs)}` : '';
    const { verdict, words } = judgeAll(counts, reached(shaped), 'delayed');
    // Behind the queue, the parts of a large packet count one by one.
    const said = Math.min(shaped.packets, matched);
    return {
      verdict,
      summary: `${packets(said)} delayed${by}${queued(shaped)}, of ${packets(matched)} in scope${words}`,
      counters: {
        ...counted(counts),
        packets_steered: matched,
        packets_delayed: shaped.packets,
        packets_held: shaped.held,
        bytes_held: shaped.heldBytes,
        packets_lost_full: shaped.drops,
      },
    };
  },
};
