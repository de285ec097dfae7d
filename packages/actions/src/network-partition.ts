/** network-partition: no packet passes between the pod and its peers. */
import { parsePeers } from '@chaosplane/common';
import { defineAction } from './action.ts';
import { optional } from './parameter.ts';
import { scopeShape, toScope, type NetworkScope } from './scope.ts';

/** A partition, understood. */
export interface NetworkPartitionSpec {
  readonly scope: NetworkScope;
}

export const networkPartition = defineAction({
  name: 'network-partition',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'partition' },
  recover: 'undo',
  shape: {
    targetCidr: optional(parsePeers, {
      description: 'The same as `peers`; both together are one list.',
      allowed: 'IPv4 or IPv6 addresses, CIDRs or host names separated by commas',
      aliases: ['target_cidr'],
    }),
    ...scopeShape('both'),
  },
  toSpec({ targetCidr = { cidrs: [], hosts: [] }, ...values }, problems): NetworkPartitionSpec {
    const scope = toScope(values, problems);
    const hosts = [...new Set([...scope.hosts, ...targetCidr.hosts])];
    return { scope: { ...scope, peers: [...scope.peers, ...targetCidr.cidrs], hosts } };
  },
  summary: 'No packet passes between the pod and its peers.',
  description: `Every packet in scope is dropped, in the direction that is asked for, by nftables alone. Connections that are open
are hit as well as new ones. The sender sees silence, not an error, where the kernel has the egress hook of devices (5.16 and
newer). ARP and IPv6 neighbour discovery still pass: they belong to the link.

Addresses of Services are translated outside the pod: a partition from a pod's address does not stop traffic to a Service in
front of it. Name the address of the Service as well.`,
  evidence: 'Packets dropped. *Verified* when at least one was.',
  example: { targetCidr: '10.0.0.0/8' },
});
