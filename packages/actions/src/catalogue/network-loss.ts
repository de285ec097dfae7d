/** network-loss: a share of the packets disappears. */
import { defineAction } from '../action.ts';
import { chanceParameters, toChance } from '../parameters/random-parameters.ts';
import { scopeParameters, toScope, type NetworkScope } from '../parameters/scope.ts';

/** A loss, understood. */
export interface NetworkLossSpec {
  readonly scope: NetworkScope;
  /** Above 0, up to 100. */
  readonly percent: number;
  readonly correlationPercent: number;
}

export const networkLoss = defineAction({
  name: 'network-loss',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'loss' },
  recover: 'undo',
  schemas: {
    ...chanceParameters('lost'),
    ...scopeParameters('egress'),
  },
  toSpec: (values, problems): NetworkLossSpec => ({
    scope: toScope(values, problems),
    ...toChance(values, problems),
  }),
  summary: 'A share of the packets that the pod sends or receives disappears.',
  description: `Each packet in scope is lost with the given probability, by nftables alone: no qdisc is added. The sender sees a lossy
link and no error: TCP sends again and slows down as on a bad line. On kernels before 5.16, whose devices have no egress hook, the same takes
the module nft_queue; without it a sender of UDP sees EPERM, TCP hardly slows down, and the evidence says so.

With a correlation, losses come in bursts: the share stays what was asked for, and which packets are lost is a cycle of 4,096 packets,
drawn once for the execution, so that it needs nothing but nftables either. A correlation of 50 % doubles the mean length of a burst.
The cycle starts again when another fault of the pod begins or ends.

TCP passes large packets to the interface that are split further down (GSO), so of a bulk transfer whole bursts are lost:
measure loss with UDP or ICMP.`,
  evidence: `Packets in scope and packets dropped. *Verified* when the share is one that chance allows, but for one case in ten thousand; until the
first is dropped it is not. At the end: how many TCP connections of the pod still wait to send again, and until when.`,
  example: { percent: '25%', direction: 'both' },
});
