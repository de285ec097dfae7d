/** Experiments that are refused over peers: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const CIDR = 'one address or CIDR, such as 10.0.0.1, 10.0.0.0/8 or fd00::/64; host names go into the parameter peers';

export const peers: readonly Refused[] = [
  [{ peers: [{}] }, 'spec.peers.0', 'it names no peer', 'either cidr or podSelector'],
  [
    { peers: [{ cidr: '10.0.0.1', podSelector: { labelSelector: {} } }] },
    'spec.peers.0',
    'it names two peers',
    'either cidr or podSelector',
  ],
  [{ peers: [{ cidr: 'api.shop' }] }, 'spec.peers.0.cidr', '"api.shop" is not one address or CIDR', CIDR],
  [{ peers: [{ cidr: '10.0.0.0/33' }] }, 'spec.peers.0.cidr', '"10.0.0.0/33" has a prefix above 32', CIDR],
  [{ peers: [{ cidr: '10.0.0' }] }, 'spec.peers.0.cidr', '"10.0.0" is not an address', CIDR],
  [
    { peers: [{ cidr: '0.0.0.0' }] },
    'spec.peers.0.cidr',
    '"0.0.0.0" is no address of a packet: every address is 0.0.0.0/0',
    CIDR,
  ],
  [{ peers: [{ cidr: '::' }] }, 'spec.peers.0.cidr', '"::" is no address of a packet: every address is ::/0', CIDR],
  [
    { peers: [{ cidr: '127.0.0.1' }] },
    'spec.peers.0.cidr',
    '"127.0.0.1" is loopback, whose packets never leave the pod',
    CIDR,
  ],
  [{ peers: [{ cidr: '::1' }] }, 'spec.peers.0.cidr', '"::1" is loopback, whose packets never leave the pod', CIDR],
  [
    { peers: [{ cidr: '10.0.0.1,10.0.0.2' }] },
    'spec.peers.0.cidr',
    '"10.0.0.1,10.0.0.2" is not one address or CIDR',
    CIDR,
  ],
  [{ peers: [{ cidr: '' }] }, 'spec.peers.0.cidr', 'it is empty', 'at least 1 character'],
  [{ peers: [{ cidr: 5 }] }, 'spec.peers.0.cidr', 'it is a number', 'a text'],
  [
    { peers: [{ cidr: '10.0.0.1', ports: [] }] },
    'spec.peers.0.ports',
    'it is empty',
    'at least 1 item, or leave it out',
  ],
  [{ peers: [{ cidr: '10.0.0.1', ports: [0] }] }, 'spec.peers.0.ports.0', 'it is too little', 'at least 1'],
  [{ peers: [{ cidr: '10.0.0.1', ports: [70000] }] }, 'spec.peers.0.ports.0', 'it is too much', 'at most 65535'],
  [{ peers: [{ cidr: '10.0.0.1', ports: ['http'] }] }, 'spec.peers.0.ports.0', 'it is a text', 'a number'],
  [{ peers: [{ cidr: '10.0.0.1', ports: 80 }] }, 'spec.peers.0.ports', 'it is a number', 'a list'],
  [
    { peers: [{ cidr: '10.0.0.1', port: 80 }] },
    'spec.peers.0',
    '"port" is not known here; did you mean ports?',
    'cidr, podSelector, ports, protocol',
  ],
  [{ peers: [{ cidr: '10.0.0.1', protocol: 'TCP' }] }, 'spec.peers.0.protocol', '"TCP" is not known', 'tcp, udp'],
  [{ peers: [{ cidr: '10.0.0.1', protocol: 'icmp' }] }, 'spec.peers.0.protocol', '"icmp" is not known', 'tcp, udp'],
  [{ peers: [{ podSelector: {} }] }, 'spec.peers.0.podSelector.labelSelector', 'it is required', 'a map'],
  [
    { peers: [{ podSelector: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn' }] } } }] },
    'spec.peers.0.podSelector.labelSelector.matchExpressions.0.values',
    'NotIn needs values',
    'one value or more, or the operator Exists or DoesNotExist',
  ],
  [
    {
      peers: [
        { podSelector: { labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists', values: ['a'] }] } } },
      ],
    },
    'spec.peers.0.podSelector.labelSelector.matchExpressions.0.values',
    'Exists takes no values',
    'none, or the operator In or NotIn',
  ],
  [
    { peers: [{ podSelector: { labelSelector: { matchLabels: { app: 'a b' } } } }] },
    'spec.peers.0.podSelector.labelSelector.matchLabels.app',
    '"a b" is not the value of a label, so nothing ever matches',
    'nothing, or up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit',
  ],
  [
    { peers: [{ podSelector: { namespace: 'Shop', labelSelector: {} } }] },
    'spec.peers.0.podSelector.namespace',
    '"Shop" is not the name of a namespace',
    'lower-case letters, digits and -, beginning and ending with a letter or digit, at most 63 long',
  ],
  [
    { peers: [{ podSelector: { matchLabels: { app: 'web' } } }] },
    'spec.peers.0.podSelector.labelSelector',
    'it is required',
    'a map',
  ],
  [{ peers: [{ host: 'api' }] }, 'spec.peers.0', '"host" is not known here', 'cidr, podSelector, ports, protocol'],
  [{ peers: '10.0.0.1' }, 'spec.peers', 'it is a text', 'a list'],
  [
    { peers: [{ podSelector: { labelSelector: { matchLabels: { app: null } } } }] },
    'spec.peers.0.podSelector.labelSelector.matchLabels.app',
    'it has no value: give it one, or leave it out',
    'a text',
  ],
  [
    { peers: [{ podSelector: { labelSelector: { matchLabels: null } } }] },
    'spec.peers.0.podSelector.labelSelector.matchLabels',
    'it has no value: give it one, or leave it out',
    'a map',
  ],
  [
    { peers: [{ podSelector: { labelSelector: null } }] },
    'spec.peers.0.podSelector.labelSelector',
    'it has no value: give it one, or leave it out',
    'a map',
  ],
  [
    { peers: [{ podSelector: { namespace: null, labelSelector: {} } }] },
    'spec.peers.0.podSelector.namespace',
    'it has no value: give it one, or leave it out',
    'a text',
  ],
  [
    { peers: [{ cidr: '10.0.0.1', ports: null }] },
    'spec.peers.0.ports',
    'it has no value: give it one, or leave it out',
    'a list',
  ],
  [{ peers: null }, 'spec.peers', 'it has no value: give it one, or leave it out', 'a list'],
  [
    {
      action: { type: 'network-delay', parameters: { latency: '1s', protocol: 'udp' } },
      peers: [{ cidr: '10.0.0.1', protocol: 'tcp' }],
    },
    'spec.peers.0.protocol',
    'tcp never is udp, which the parameter protocol asks for',
    'udp, or leave it out',
  ],
];
