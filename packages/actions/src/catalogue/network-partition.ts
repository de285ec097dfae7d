/** network-partition: no packet passes between the pod and its peers. */
import { parsePeers } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { defaulted, oneOf, optional } from '../parameters/parameter.ts';
import { scopeParameters, toScope, type NetworkScope } from '../parameters/scope.ts';

/** A partition, understood. */
export interface NetworkPartitionSpec {
  readonly scope: NetworkScope;
  /** Silent: packets vanish. Reset and unreachable: the sender is told. */
  readonly how: 'silent' | 'reset' | 'unreachable';
}

export const networkPartition = defineAction({
  name: 'network-partition',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'partition' },
  recover: 'undo',
  schemas: {
    targetCidr: optional(parsePeers, {
      description: 'The same as `peers`; both together are one list.',
      allowed: 'IPv4 or IPv6 addresses, CIDRs or host names separated by commas',
      aliases: ['target_cidr'],
      form: 'list',
    }),
    how: defaulted(oneOf(['silent', 'reset', 'unreachable']), {
      description:
        'What senders feel: nothing, as if the cable were out; a reset of TCP and an ICMP error for all else; or an ICMP error.',
      allowed: 'silent, reset or unreachable',
      default: 'silent',
    }),
    ...scopeParameters('both'),
  },
  toSpec({ targetCidr = { cidrs: [], hosts: [] }, how, ...values }, problems): NetworkPartitionSpec {
    const scope = toScope(values, problems);
    const hosts = [...new Set([...scope.hosts, ...targetCidr.hosts])];
    return { how, scope: { ...scope, peers: [...scope.peers, ...targetCidr.cidrs], hosts } };
  },
  summary: 'No packet passes between the pod and its peers.',
  description: `Every packet in scope is dropped, in the direction that is asked for, by nftables alone. Connections that are open
are hit as well as new ones. By default the partition is silent: to TCP, UDP and DNS of the pod it is a cable that is out. TCP sends again, less and less
often, and an open connection lives on for some 15 minutes; a new one is given up after about two. ARP and IPv6 neighbour
discovery still pass: they belong to the link. On kernels before 5.16, whose devices have no egress hook, the same takes the module nft_queue;
without it a sender of UDP sees EPERM, and the evidence says so.

With \`how: reset\`, TCP is answered by a reset and everything else by an ICMP error, and with \`unreachable\` everything by an
ICMP error: applications notice at once.

When a silent partition ends, what waited is sent again at TCP's next try, up to two minutes later.

Addresses of Services are translated outside the pod: a partition from a pod's address does not stop traffic to a Service in
front of it. Name the address of the Service as well.`,
  evidence: `Packets dropped. *Verified* when these are all that were in scope. At the end: how many TCP connections of the pod still wait to send
again, and until when; their data flows again only then, up to two minutes later.`,
  example: { targetCidr: '10.0.0.0/8' },
});
