/** What all network actions share: which pod, and which of its packets. */
import { type Cidr, defined, parsePeers, parsePorts, type PortRange, type Problem } from '@chaosplane/common/pure';
import type { ParameterValues } from '../action.ts';
import {
  defaulted,
  oneOf,
  optional,
  parseBoolean,
  parseInterfaces,
  parseLabelName,
  parsePodName,
  required,
  type ParameterMeta,
} from './parameter.ts';

/** Which packets of which pod. */
export interface NetworkScope {
  readonly podName: string;
  readonly podNamespace: string;
  readonly containerName?: string;
  readonly direction: 'egress' | 'ingress' | 'both';
  /** Empty, and no hosts either: any peer. */
  readonly peers: readonly Cidr[];
  /** More peers, by name. */
  readonly hosts: readonly string[];
  /** Empty: every port. */
  readonly ports: readonly PortRange[];
  readonly protocol?: 'tcp' | 'udp' | 'icmp';
  /** Empty: every one that carries the pod's traffic. */
  readonly interfaces: readonly string[];
  readonly spareProbes: boolean;
}

/** The parameters that say which pod is meant; an experiment's target fills them in. */
const podParameters = {
  podName: required(parsePodName, {
    description: 'The pod. In an experiment, `target` chooses it.',
    allowed: 'the name of a pod on this node',
  }),
  podNamespace: defaulted(parseLabelName, {
    description: 'The namespace of the pod. In an experiment, `target` chooses it.',
    allowed: 'the name of a namespace',
    default: 'default',
  }),
} as const;

/** The pod and, perhaps, the container; `description` says what no container name means. */
export function podTargetParameters(description: string) {
  const allowed = 'the name of a container of the pod';
  return { ...podParameters, containerName: optional(parseLabelName, { description, allowed }) } as const;
}

/** Which container of which pod. */
export interface PodTarget {
  readonly podName: string;
  readonly podNamespace: string;
  readonly containerName?: string;
}

/** The target of values that are each valid. */
export function toPodTarget(
  values: Omit<PodTarget, 'containerName'> & { readonly containerName: string | undefined },
): PodTarget {
  const { podName, podNamespace, containerName } = values;
  return { podName, podNamespace, ...defined({ containerName }) };
}

/** The parameters of a network fault that say which pod is meant. */
export const targetParameters = podTargetParameters(
  'A container that the pod must have. The fault hits the network of the whole pod.',
);

const PEERS: ParameterMeta = {
  description:
    'The other ends, separated by commas: addresses, CIDRs, or host names as the pod resolves them. Without any: every peer.',
  allowed: 'IPv4 or IPv6 addresses, CIDRs or host names separated by commas',
  form: 'list',
};

/** The parameter by which a fault keeps away from the kubelet. */
export const spareProbes = defaulted(parseBoolean, {
  description:
    "On a cluster: leave the kubelet's own probes and hooks of this pod alone, so that it is not restarted for the fault.",
  allowed: 'true or false',
  default: 'true',
});

/** The parameters of the scope, with the direction that an action takes when none is given. */
export function scopeParameters(direction: NetworkScope['direction']) {
  return {
    ...targetParameters,
    direction: defaulted(oneOf(['egress', 'ingress', 'both']), {
      description: 'Of packets, seen from the pod: what it sends, what it receives, or both.',
      allowed: 'egress, ingress or both',
      default: direction,
    }),
    peers: optional(parsePeers, PEERS),
    ports: optional(parsePorts, {
      description: 'Source or destination ports. Without a protocol: of TCP and UDP. Without any: every port.',
      allowed: 'ports from 1 to 65535, such as 80 or 80,443 or 9000-9010',
      form: 'list',
    }),
    protocol: optional(oneOf(['tcp', 'udp', 'icmp']), {
      description: 'Only packets of this protocol; `icmp` is ICMP and ICMPv6.',
      allowed: 'tcp, udp or icmp',
    }),
    interface: optional(parseInterfaces, {
      description:
        "The pod's network interfaces, separated by commas. Without any: every one that is up, has an address, and is no tunnel.",
      allowed: 'interfaces of the pod, such as eth0 or eth0,net1',
      form: 'list',
    }),
    spareProbes,
  } as const;
}

/** Values of `scopeParameters`. */
export type ScopeValues = ParameterValues<ReturnType<typeof scopeParameters>>;

/** The scope of values that are each valid. */
export function toScope(values: ScopeValues, problems: Problem[]): NetworkScope {
  const { containerName, protocol, peers, ports = [] } = values;
  if (protocol === 'icmp' && ports.length > 0) {
    problems.push({ path: 'parameters.ports', wrong: 'icmp has no ports', allowed: 'ports with tcp or udp only' });
  }
  return {
    podName: values.podName,
    podNamespace: values.podNamespace,
    ...defined({ containerName }),
    direction: values.direction,
    peers: peers?.cidrs ?? [],
    hosts: peers?.hosts ?? [],
    ports,
    ...defined({ protocol }),
    interfaces: values.interface ?? [],
    spareProbes: values.spareProbes,
  };
}
