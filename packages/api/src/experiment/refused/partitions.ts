/** Experiments that are refused over the parameters of partitions and bandwidths: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const ONE_PEERS = 'one text: IPv4 or IPv6 addresses, CIDRs or host names separated by commas';
const PEERS = 'addresses, CIDRs or host names separated by commas, such as 10.0.0.1,fd00::/64,db.example.org';
const PORTS = 'ports from 1 to 65535 and ranges, separated by commas, such as 80,443 or 9000-9010';
const RATE = 'a rate from 8kbit to 100gbit, such as 10mbit';

export const partitions: readonly Refused[] = [
  [
    { action: { type: 'network-partition', parameters: { peers: [] } } },
    'spec.action.parameters.peers',
    'it is an empty list: leave it out',
    ONE_PEERS,
  ],
  [
    { action: { type: 'network-partition', parameters: { peers: ['a,b'] } } },
    'spec.action.parameters.peers',
    '"a,b" has a comma, which ends an item',
    ONE_PEERS,
  ],
  [
    { action: { type: 'network-partition', parameters: { peers: [['a']] } } },
    'spec.action.parameters.peers',
    'an item is no text',
    ONE_PEERS,
  ],
  [
    { action: { type: 'network-partition', parameters: { peers: { cidr: '10.0.0.1' } } } },
    'spec.action.parameters.peers',
    'it is a map',
    ONE_PEERS,
  ],
  [
    { action: { type: 'network-partition', parameters: { peers: '10.0.0.300' } } },
    'spec.action.parameters.peers',
    '"10.0.0.300" is not an address',
    PEERS,
  ],
  [
    { action: { type: 'network-partition', parameters: { peers: '0.0.0.0' } } },
    'spec.action.parameters.peers',
    '"0.0.0.0" is no address of a packet: every address is 0.0.0.0/0',
    PEERS,
  ],
  [
    { action: { type: 'network-partition', parameters: { peers: ['127.0.0.1', '10.0.0.1'] } } },
    'spec.action.parameters.peers',
    '"127.0.0.1" is loopback, whose packets never leave the pod',
    PEERS,
  ],
  [
    { action: { type: 'network-partition', parameters: { ports: [0] } } },
    'spec.action.parameters.ports',
    '"0" is not within 1 to 65535',
    PORTS,
  ],
  [
    { action: { type: 'network-partition', parameters: { ports: ['http'] } } },
    'spec.action.parameters.ports',
    '"http" is not a port or a range',
    PORTS,
  ],
  [
    { action: { type: 'network-partition', parameters: { ports: { from: 1 } } } },
    'spec.action.parameters.ports',
    'it is a map',
    'one text: ports from 1 to 65535, such as 80 or 80,443 or 9000-9010',
  ],
  [
    { action: { type: 'network-partition', parameters: { ports: '90-80' } } },
    'spec.action.parameters.ports',
    '"90-80" ends before it begins',
    PORTS,
  ],
  [
    { action: { type: 'network-partition', parameters: { protocol: 'sctp' } } },
    'spec.action.parameters.protocol',
    '"sctp" is not known',
    'tcp, udp, icmp',
  ],
  [
    { action: { type: 'network-partition', parameters: { protocol: 'icmp', ports: 80 } } },
    'spec.action.parameters.ports',
    'icmp has no ports',
    'ports with tcp or udp only',
  ],
  [
    { action: { type: 'network-partition', parameters: { interface: ['eth0', 'a b'] } } },
    'spec.action.parameters.interface',
    '"eth0,a b" is no list of interfaces',
    'names of up to 15 letters, digits, ., _ and -, separated by commas, such as eth0',
  ],
  [
    { action: { type: 'network-partition', parameters: { direction: 'to' } } },
    'spec.action.parameters.direction',
    '"to" is not known',
    'egress, ingress, both',
  ],
  [
    { action: { type: 'network-partition', parameters: { spareProbes: 'maybe' } } },
    'spec.action.parameters.spareProbes',
    '"maybe" is not known',
    'true, false',
  ],
  [
    { action: { type: 'network-partition', parameters: { how: 'drop' } } },
    'spec.action.parameters.how',
    '"drop" is not known',
    'silent, reset, unreachable',
  ],
  [
    { action: { type: 'network-partition', parameters: { externalTargets: 'a' } } },
    'spec.action.parameters',
    '"externalTargets" is not a parameter; did you mean peers?',
    'targetCidr, how, podName, podNamespace, containerName, direction, peers, ports, protocol, interface, spareProbes',
  ],
  [
    { action: { type: 'network-partition', parameters: { targetCidr: '10.0.0.1', target_cidr: '10.0.0.2' } } },
    'spec.action.parameters.target_cidr',
    'targetCidr is given twice',
    'one of its names',
  ],
  [{ action: { type: 'network-bandwidth', parameters: {} } }, 'spec.action.parameters.rate', 'it is required', RATE],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: 10 } } },
    'spec.action.parameters.rate',
    '"10" has no unit',
    'a rate in bits a second such as 500kbit, 10mbit or 1gbit',
  ],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: '10mbps' } } },
    'spec.action.parameters.rate',
    '"10mbps" may mean bits or bytes',
    'a rate in bits a second such as 500kbit, 10mbit or 1gbit',
  ],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: '1kbit' } } },
    'spec.action.parameters.rate',
    '"1kbit" is too little',
    RATE,
  ],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: '0.5bit' } } },
    'spec.action.parameters.rate',
    '"0.5bit" is too little',
    RATE,
  ],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: '200gbit' } } },
    'spec.action.parameters.rate',
    '"200gbit" is too much',
    RATE,
  ],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: '1mbit', burst: '10' } } },
    'spec.action.parameters.burst',
    '"10" is too little',
    'an amount from 1600 bytes to 1G, such as 32k',
  ],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: '1mbit', burst: '0.0001k' } } },
    'spec.action.parameters.burst',
    '"0.0001k" is less than a byte',
    'a number of bytes such as 1500, 32k or 256Mi (units k, M, G, Ki, Mi, Gi)',
  ],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: '8kbit', latency: '1ms' } } },
    'spec.action.parameters.latency',
    '1ms is too short: at this rate one full packet (1600 bytes) takes 1.6s',
    'at least 1.6s, or none, or a higher rate',
  ],
  [
    { action: { type: 'network-bandwidth', parameters: { rate: '1mbit', latency: '2m' } } },
    'spec.action.parameters.latency',
    '"2m" is too much',
    'a duration from 1ms to 1m, such as 50ms',
  ],
];
