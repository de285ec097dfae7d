/** network-loss: a share of the packets disappears. */
import { defineAction } from './action.ts';
import { chanceShape } from './chance.ts';
import { scopeShape, toScope, type NetworkScope } from './scope.ts';

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
  shape: {
    ...chanceShape('lost'),
    ...scopeShape('egress'),
  },
  toSpec: (values, problems): NetworkLossSpec => ({
    scope: toScope(values, problems),
    percent: values.percent,
    correlationPercent: values.correlation,
  }),
  summary: 'A share of the packets that the pod sends or receives disappears.',
  description: `Each packet in scope is lost with the given probability, by nftables alone: no qdisc is added. The sender sees a lossy
link, not an error, where the kernel has the egress hook of devices (5.16 and newer); below that a local sender may see
EPERM, and the evidence says so.

With a correlation, losses come in bursts: the share stays what was asked for, and the fates are a cycle of 4,096 packets,
drawn once for the execution, so that it needs nothing but nftables either. A correlation of 50 % doubles the mean length of a burst.

TCP hands large packets to the interface that are split further down (GSO), so of a bulk transfer whole bursts are lost:
measure loss with UDP or ICMP.`,
  evidence: 'Packets in scope and packets dropped. *Verified* when at least one was dropped.',
  example: { percent: '25%', direction: 'both' },
});
