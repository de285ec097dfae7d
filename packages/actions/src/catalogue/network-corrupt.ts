/** network-corrupt: a share of the packets arrives with a wrong bit. */
import { defineAction } from '../action.ts';
import { chanceParameters, toChance } from '../parameters/random-parameters.ts';
import { scopeParameters, toScope, type NetworkScope } from '../parameters/scope.ts';

/** A corruption, understood. */
export interface NetworkCorruptSpec {
  readonly scope: NetworkScope;
  /** Above 0, up to 100. */
  readonly percent: number;
  readonly correlationPercent: number;
}

export const networkCorrupt = defineAction({
  name: 'network-corrupt',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'corrupt' },
  recover: 'undo',
  schemas: { ...chanceParameters('corrupted'), ...scopeParameters('egress') },
  toSpec: (values, problems): NetworkCorruptSpec => ({
    scope: toScope(values, problems),
    ...toChance(values, problems),
  }),
  summary: 'A share of the packets that the pod sends or receives has a wrong bit.',
  description: `One bit of each chosen packet is flipped, and its checksums are left as they were: wrong. So the receiver's kernel
finds nearly all of them out, drops them and counts them (\`UdpInCsumErrors\`, \`TcpInCsumErrors\` of /proc/net/snmp); the
application sees a loss, and TCP sends again. A wrong bit gets through to an application only where no checksum covers it
(UDP over IPv4 without a checksum). TCP passes large packets to the interface (GSO); of one that is chosen,
the TAP engine corrupts one segment. netem corrupts bits of headers, too, on Linux 6.1. The queue corrupts every segment, and counts each: the kernel splits what it passes
to the queue, and does not tell which segments were one packet. The notes of the execution say so.

Which packets are hit is decided by nftables. netem flips the bit, anywhere in the frame, where the kernel has \`sch_netem\`:
about 6 in 100 of those bits are in the sender's hardware address and harm nothing. Where it has not, the daemon's queue engine flips
it behind the IP header; while no daemon runs, packets pass as they are then. What the pod receives is corrupted before it is taken in, by way of an IFB device (netem) or the queue.`,
  evidence: `Packets in scope and packets corrupted. *Verified* when the share is one that chance allows (but for one case in ten
thousand), and every packet that chance chose was corrupted.`,
  example: { percent: '10%' },
});
