/** Requests that must be refused: each with the status that it gets and the fields that its answer has to name. */
import { type DeepPartial, type ExecutionOptions, durationOf } from '@chaosplane/proto';
import { Status } from 'nice-grpc';

/** One of them, as ExecNetworkChaos gets it. */
export interface BadInput {
  readonly name: string;
  readonly action?: string;
  /** Beside `podName: target`; an undefined value leaves that out. */
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  readonly options?: DeepPartial<ExecutionOptions>;
  /** Default: INVALID_ARGUMENT. */
  readonly status?: Status;
  /** The fields of its problems, in any order; empty where the status has none. */
  readonly fields: readonly string[];
  /** What the message says beside them. */
  readonly says?: string;
}

const long = (text: string): string => text.repeat(10_000 / text.length);

const delay = (name: string, parameters: Readonly<Record<string, string>>, ...fields: string[]): BadInput => {
  return { name, action: 'delay', parameters, fields: fields.map((field) => `parameters.${field}`) };
};

const loss = (name: string, percent: string): BadInput => {
  return { name, action: 'loss', parameters: { percent }, fields: ['parameters.percent'] };
};

const bandwidth = (name: string, parameters: Readonly<Record<string, string>>, ...fields: string[]): BadInput => {
  return { name, action: 'bandwidth', parameters, fields: fields.map((field) => `parameters.${field}`) };
};

/** The same for every action that hits packets by chance. */
const chance = (name: string, parameters: Readonly<Record<string, string>>, ...fields: string[]): BadInput[] =>
  ['loss', 'corrupt', 'duplicate'].map((action) => ({
    name: `${name} (${action})`,
    action,
    parameters,
    fields: fields.map((field) => `parameters.${field}`),
  }));

const partition = (name: string, parameters: BadInput['parameters'], ...fields: string[]): BadInput => {
  return { name, parameters: parameters ?? {}, fields: fields.map((field) => `parameters.${field}`) };
};

const options = (name: string, given: DeepPartial<ExecutionOptions>, ...fields: string[]): BadInput => {
  return { name, options: given, fields: fields.map((field) => `options.${field}`) };
};

const unknown = (name: string, key: string, says: string): BadInput => {
  return { name, parameters: { [key]: '1' }, fields: ['parameters'], says };
};

/** Every way of being wrong that was thought of. */
export const badInputs: readonly BadInput[] = [
  unknown('an unknown key', 'lateness', '"lateness" is not a parameter'),
  unknown('a key that is nearly one', 'directoin', 'did you mean direction?'),
  unknown('a key of Object.prototype', 'constructor', '"constructor" is not a parameter'),
  unknown('a key with nft syntax', 'x } ; flush ruleset', 'is not a parameter'),
  unknown('a key of 10 kB', long('k'), 'is not a parameter'),
  delay('no latency', {}, 'latency'),
  delay('a latency without a unit', { latency: '100' }, 'latency'),
  delay('a latency in a unit of bytes', { latency: '100Mi' }, 'latency'),
  delay('an empty latency', { latency: '' }, 'latency'),
  delay('a negative latency', { latency: '-5ms' }, 'latency'),
  delay('a latency of zero', { latency: '0s' }, 'latency'),
  delay('a latency of a year', { latency: '8760h' }, 'latency'),
  delay('a latency with an exponent', { latency: '1e3ms' }, 'latency'),
  delay('a latency and a command', { latency: '100ms; reboot' }, 'latency'),
  delay('a latency and a qdisc', { latency: '100ms loss 100%' }, 'latency'),
  delay('a latency of 10 kB', { latency: long('9') }, 'latency'),
  delay('more jitter than latency', { latency: '10ms', jitter: '20ms' }, 'jitter'),
  delay('correlation without jitter', { latency: '10ms', correlation: '25' }, 'correlation'),
  delay('three problems at once', { latency: '10', jitter: 'x', ports: '0' }, 'latency', 'jitter', 'ports'),
  delay('a direction that is not known', { latency: '10ms', direction: 'in' }, 'direction'),
  delay('jitter that is negative', { latency: '10ms', jitter: '-1ms' }, 'jitter'),
  delay('a correlation above 100 %', { latency: '10ms', jitter: '1ms', correlation: '101' }, 'correlation'),
  delay('a correlation and a qdisc', { latency: '10ms', jitter: '1ms', correlation: '25% reorder' }, 'correlation'),
  ...chance('no percentage', {}, 'percent'),
  ...chance('a percentage of zero', { percent: '0%' }, 'percent'),
  ...chance('a percentage above 100', { percent: '100.1' }, 'percent'),
  ...chance('a percentage and a rule', { percent: '30 accept' }, 'percent'),
  ...chance('a percentage of 10 kB', { percent: long('9') }, 'percent'),
  ...chance('a correlation that is a word', { percent: '3', correlation: 'some' }, 'correlation'),
  ...chance('a correlation and a set', { percent: '3', correlation: '5 } ; flush ruleset' }, 'correlation'),
  ...chance('two problems at once', { percent: '-3', correlation: '-5' }, 'percent', 'correlation'),
  ...chance('a parameter of another action', { percent: '3', rate: '1mbit' }, '').map((input) => {
    return { ...input, fields: ['parameters'], says: '"rate" is not a parameter' };
  }),
  bandwidth('no rate', {}, 'rate'),
  bandwidth('a rate without a unit', { rate: '10' }, 'rate'),
  bandwidth('a rate that may be bits or bytes', { rate: '10mbps' }, 'rate'),
  bandwidth('a rate of zero', { rate: '0mbit' }, 'rate'),
  bandwidth('a negative rate', { rate: '-1mbit' }, 'rate'),
  bandwidth('a rate that is too low to be one', { rate: '100bit' }, 'rate'),
  bandwidth('a rate above any interface', { rate: '200gbit' }, 'rate'),
  bandwidth('a rate and a class', { rate: '1mbit ceil 100gbit' }, 'rate'),
  bandwidth('a rate of 10 kB', { rate: `${long('9')}mbit` }, 'rate'),
  bandwidth('a burst below one packet', { rate: '1mbit', burst: '100' }, 'burst'),
  bandwidth('a burst that is a duration', { rate: '1mbit', burst: '10ms' }, 'burst'),
  bandwidth('a burst with a new line', { rate: '1mbit', burst: '32k\nqdisc del dev eth0 root' }, 'burst'),
  bandwidth('a latency of zero', { rate: '1mbit', latency: '0s' }, 'latency'),
  bandwidth('a latency of an hour', { rate: '1mbit', latency: '1h' }, 'latency'),
  bandwidth('three problems at once', { rate: 'x', burst: 'y', latency: 'z' }, 'rate', 'burst', 'latency'),
  loss('150 %', '150%'),
  loss('0 %, which would do nothing', '0'),
  loss('-1 %', '-1'),
  loss('an empty percentage', ''),
  loss('a percentage that is a word', 'half'),
  loss('a percentage with a second command', '30;reboot'),
  partition('no pod', { podName: undefined }, 'podName'),
  partition('an empty pod', { podName: '' }, 'podName'),
  partition('a pod with a command', { podName: '1;reboot' }, 'podName'),
  partition('a pod with a substitution', { podName: '$(id)' }, 'podName'),
  partition('a pod that is a path', { podName: '../../etc' }, 'podName'),
  partition('a pod of 10 kB', { podName: long('p') }, 'podName'),
  partition('a pod with a NUL byte', { podName: 'target\0' }, 'podName'),
  partition('a namespace with a new line', { podNamespace: 'default\nflush ruleset' }, 'podNamespace'),
  partition('a container that is an option', { containerName: '--all' }, 'containerName'),
  partition('a peer that closes the set', { peers: '10.0.0.1 } ; flush ruleset' }, 'peers'),
  partition('a peer with a new line', { peers: '10.0.0.1\nflush ruleset' }, 'peers'),
  partition('a peer with a NUL byte', { peers: '10.0.0.1\0' }, 'peers'),
  partition('a peer that is nearly a host name', { peers: 'example-.org' }, 'peers'),
  partition('a host name with a label that is too long', { peers: `${'a'.repeat(64)}.org` }, 'peers'),
  partition('a host name and a rule', { peers: 'example.org accept' }, 'peers'),
  {
    name: 'a host name that does not resolve',
    parameters: { peers: 'nobody.invalid.' },
    status: Status.FAILED_PRECONDITION,
    fields: [],
    says: 'correct the name, or give addresses',
  },
  partition('an address out of range', { targetCidr: '10.0.0.256' }, 'targetCidr'),
  partition('a prefix out of range', { targetCidr: '10.0.0.0/33' }, 'targetCidr'),
  partition('a short address', { target_cidr: '10.1' }, 'targetCidr'),
  partition('an empty peer in a list', { peers: '10.0.0.1,,10.0.0.2' }, 'peers'),
  partition('peers of 10 kB', { peers: long('10.0.0.1.') }, 'peers'),
  partition('both names of one parameter', { targetCidr: '10.0.0.1', target_cidr: '10.0.0.2' }, 'target_cidr'),
  partition('port 0', { ports: '0' }, 'ports'),
  partition('port 65536', { ports: '65536' }, 'ports'),
  partition('ports the wrong way round', { ports: '90-80' }, 'ports'),
  partition('ICMP with ports', { protocol: 'icmp', ports: '80' }, 'ports'),
  partition('a protocol that is not known', { protocol: 'sctp' }, 'protocol'),
  partition('a direction that is not known', { direction: 'sideways' }, 'direction'),
  partition('an interface with a space', { interface: 'eth0 root' }, 'interface'),
  partition('an interface with a slash', { interface: '../eth0' }, 'interface'),
  partition('an interface with quotes', { interface: 'eth0"' }, 'interface'),
  partition('a truth that is neither', { spareProbes: 'yes' }, 'spareProbes'),
  options('a negative TTL', { ttl: durationOf(-1000) }, 'ttl'),
  options('a TTL of zero', { ttl: durationOf(0) }, 'ttl'),
  options('a TTL above the limit', { ttl: durationOf(25 * 3600_000) }, 'ttl'),
  options('a key of 10 kB for idempotency', { idempotencyKey: long('k') }, 'idempotency_key'),
  options('a pod uid of 10 kB', { podUid: long('u') }, 'pod_uid'),
  options('a boot id of 10 kB', { bootId: long('b') }, 'boot_id'),
  options('a container id of 10 kB', { containerId: `containerd://${long('c')}` }, 'container_id'),
  options('a peer that is no address', { peers: [{ cidr: '10.0.0.1' }, { cidr: '} ; reboot' }] }, 'peers[1]'),
  options('a peer on port 0', { peers: [{ cidr: '10.0.0.1', ports: [80, 0] }] }, 'peers[0].ports'),
  options('a peer by ICMP', { peers: [{ cidr: '10.0.0.1', protocol: 'icmp' }] }, 'peers[0].protocol'),
  options('a probe on port 70000', { sparedProbes: { nodeAddresses: [], ports: [70_000] } }, 'spared_probes.ports'),
  {
    name: 'problems of options and of parameters together',
    parameters: { ports: 'http', nonsense: '1' },
    options: { ttl: durationOf(0), peers: [{ cidr: 'x y' }] },
    fields: ['options.ttl', 'options.peers[0]', 'parameters.ports', 'parameters'],
  },
  { name: 'no action', action: '', fields: ['action'] },
  { name: 'an unknown action', action: 'explode', fields: ['action'], says: 'allowed: bandwidth, corrupt, delay' },
  { name: 'an action with a command', action: 'delay;reboot', fields: ['action'] },
  {
    name: 'a pod that is not there',
    parameters: { podName: 'nobody' },
    status: Status.NOT_FOUND,
    fields: [],
    says: 'pod default/nobody is not running here: check podName and podNamespace',
  },
  {
    name: 'a pod that is in another namespace',
    parameters: { podNamespace: 'kube-system' },
    status: Status.NOT_FOUND,
    fields: [],
    says: 'pod kube-system/target',
  },
  {
    name: 'a container that the pod has not',
    parameters: { containerName: 'sidecar' },
    status: Status.NOT_FOUND,
    fields: [],
    says: 'it has app',
  },
  { name: 'another pod uid', options: { podUid: 'u-1' }, status: Status.NOT_FOUND, fields: [], says: 'u-1' },
  {
    name: 'an interface that the pod has not',
    parameters: { interface: 'wlan0' },
    status: Status.FAILED_PRECONDITION,
    fields: [],
    says: 'set the parameter interface to one of lo, eth0',
  },
];
