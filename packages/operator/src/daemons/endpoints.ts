/** What cluster DNS has to know so that every node's daemon has a name: the EndpointSlices of the daemons. Pure. */
import type { Endpoint, EndpointSlice, Pod } from '@chaosplane/kube';
import { nodeLabels } from './address.ts';

/** Endpoints in one slice; the API server takes no more. */
export const SLICE_ENDPOINTS = 1000;

/** What the slices are made for. */
export interface EndpointsOf {
  /** The name of the Service without a selector. */
  readonly service: string;
  readonly namespace: string;
  /** The uid of that Service, so that the slices go when it goes. */
  readonly serviceUid: string;
  readonly port: number;
}

/** The daemon of each node: where there are two for a moment, the one that is not ending, and of those the younger one. */
export function daemonPods(pods: readonly Pod[]): ReadonlyMap<string, Pod> {
  const rank = ({ metadata }: Pod): string =>
    `${metadata.deletionTimestamp === undefined ? 1 : 0} ${metadata.creationTimestamp ?? ''}`;
  const found = new Map<string, Pod>();
  for (const pod of pods) {
    const { nodeName } = pod.spec ?? {};
    const over = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
    if (nodeName === undefined || over || (pod.status?.podIPs ?? []).length === 0) continue;
    const other = found.get(nodeName);
    if (other === undefined || rank(other) < rank(pod)) found.set(nodeName, pod);
  }
  return found;
}

/** Their addresses, by node: the first one, as the cluster prefers its families. */
export function daemonAddresses(pods: readonly Pod[]): ReadonlyMap<string, string> {
  return new Map(
    [...daemonPods(pods)].flatMap(([node, { status }]): [string, string][] => {
      const ip = status?.podIP ?? status?.podIPs?.[0]?.ip;
      return ip === undefined ? [] : [[node, ip]];
    }),
  );
}

/** The slices that should be there, in a stable order: the same pods give the same slices. */
export function slicesFor(
  pods: readonly Pod[],
  { service, namespace, serviceUid, port }: EndpointsOf,
): EndpointSlice[] {
  const daemons = [...daemonPods(pods)].sort(([a], [b]) => (a < b ? -1 : 1));
  const labels = nodeLabels(daemons.map(([node]) => node));
  return (['IPv4', 'IPv6'] as const).flatMap((addressType) => {
    const endpoints = daemons.flatMap(([node, pod]) => endpointOf(pod, node, labels.get(node) ?? node, addressType));
    const count = Math.ceil(endpoints.length / SLICE_ENDPOINTS);
    return Array.from({ length: count }, (_, index): EndpointSlice => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${service}-${addressType.toLowerCase()}-${index}`,
        namespace,
        labels: {
          'kubernetes.io/service-name': service,
          'endpointslice.kubernetes.io/managed-by': 'chaosplane-operator',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: service, uid: serviceUid }],
      },
      addressType,
      endpoints: endpoints.slice(index * SLICE_ENDPOINTS, (index + 1) * SLICE_ENDPOINTS),
      ports: [{ name: 'grpc', port, protocol: 'TCP' }],
    }));
  });
}

function endpointOf(pod: Pod, node: string, hostname: string, addressType: 'IPv4' | 'IPv6'): Endpoint[] {
  const wanted = (ip: string): boolean => ip.includes(':') === (addressType === 'IPv6');
  const address = (pod.status?.podIPs ?? []).map(({ ip }) => ip).find(wanted);
  if (address === undefined) return [];
  const { name, namespace = '', uid = '' } = pod.metadata;
  return [
    {
      addresses: [address],
      // Ready as soon as there is an address: an undo must reach a daemon that is not ready.
      conditions: { ready: true, serving: true, terminating: false },
      hostname,
      nodeName: node,
      targetRef: { kind: 'Pod', name, namespace, uid },
    },
  ];
}
