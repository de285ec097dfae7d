/** network-duplicate: a share of the packets arrives twice. */
import { defineAction } from '../action.ts';
import { chanceParameters, toChance } from '../parameters/random-parameters.ts';
import { scopeParameters, toScope, type NetworkScope } from '../parameters/scope.ts';

/** A duplication, understood. */
export interface NetworkDuplicateSpec {
  readonly scope: NetworkScope;
  /** Above 0, up to 100. */
  readonly percent: number;
  readonly correlationPercent: number;
}

export const networkDuplicate = defineAction({
  name: 'network-duplicate',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'duplicate' },
  recover: 'undo',
  schemas: { ...chanceParameters('duplicated'), ...scopeParameters('egress') },
  toSpec: (values, problems): NetworkDuplicateSpec => ({
    scope: toScope(values, problems),
    ...toChance(values, problems),
  }),
  summary: 'A share of the packets that the pod sends or receives arrives twice.',
  description: `Each chosen packet is sent twice, by nftables alone: UDP applications get it twice, TCP throws the copy away. A copy
is not copied again and not lost by another fault of the same pod; delays and bandwidths hold for it as for the original. What the pod receives is
copied on its way through an IFB device of ChaosPlane; of several such faults that choose the same incoming packet, one copy comes.

It needs the egress hook of devices (Linux 5.16 and newer), and an IFB device for what comes in.`,
  evidence:
    'Packets in scope and packets duplicated. *Verified* when the share is one that chance allows, but for one case in ten thousand.',
  example: { percent: '10%' },
});
