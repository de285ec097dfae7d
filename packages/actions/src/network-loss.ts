/** network-loss: a share of the packets disappears. */
import { parsePercent, refused, type Parsed } from '@chaosplane/common';
import { defineAction } from './action.ts';
import { defaulted, parsePositivePercent, required } from './parameter.ts';
import { scopeShape, toScope, type NetworkScope } from './scope.ts';

/** A loss, understood. */
export interface NetworkLossSpec {
  readonly scope: NetworkScope;
  /** Above 0, up to 100. */
  readonly percent: number;
}

function parseNoCorrelation(text: string): Parsed<number> {
  const parsed = parsePercent(text);
  if (!parsed.ok || parsed.value === 0) return parsed;
  return refused(text, 'is not available for losses yet', '0: each packet is lost by chance alone');
}

export const networkLoss = defineAction({
  name: 'network-loss',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'loss' },
  recover: 'undo',
  shape: {
    percent: required(parsePositivePercent, {
      description: 'The share of packets that is lost.',
      allowed: 'a percentage above 0, up to 100, such as 25 or 25%',
    }),
    correlation: defaulted(parseNoCorrelation, {
      description: 'How much the fate of a packet depends on the one before. Only 0 so far.',
      allowed: '0',
      default: '0',
    }),
    ...scopeShape('egress'),
  },
  toSpec: (values, problems): NetworkLossSpec => ({ scope: toScope(values, problems), percent: values.percent }),
  summary: 'A share of the packets that the pod sends or receives disappears.',
  description: `Each packet in scope is lost with the given probability, by nftables alone: no qdisc is added. The sender sees a lossy
link, not an error, where the kernel has the egress hook of devices (5.16 and newer); below that a local sender may see
EPERM, and the evidence says so.

TCP hands large packets to the interface that are split further down (GSO), so of a bulk transfer whole bursts are lost:
measure loss with UDP or ICMP.`,
  evidence: 'Packets in scope and packets dropped. *Verified* when at least one was dropped.',
  example: { percent: '25%', direction: 'both' },
});
