/** Who the peers of a network action are at this moment: addresses as given, and pods with the Services that lead to them. Pure. */
import { ChaosError, defined } from '@chaosplane/common';
import { whyNoMatch, type ExperimentSpec, type PeerSpec } from '@chaosplane/api';
import type { EndpointSlice, Pod, Service } from '@chaosplane/kube';
import type { DeepPartial, Peer } from '@chaosplane/proto';

/** What peers are found in. */
export interface PeerSources {
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
}

const noSources: PeerSources = { pods: [], services: [], endpointSlices: [] };

/** No packet on a link has this address: it stands for peers that are all gone, because an empty list would mean all traffic. */
const NO_PEER: WirePeer = { cidr: '0.0.0.0/32' };

/** One peer as a daemon is told. */
export type WirePeer = DeepPartial<Peer>;

/**
 * The peers of an experiment. A packet to a Service has the Service's address until it leaves the pod's namespace, so the
 * address of every Service that leads to the chosen pods alone belongs to them.
 * @throws ChaosError FAILED_PRECONDITION for a selector that fits no pod, and for a Service that leads to chosen pods and to others.
 */
export function resolvePeers(
  { peers, target }: Pick<ExperimentSpec, 'peers' | 'target'>,
  sources: PeerSources = noSources,
): WirePeer[] {
  // No pod has these labels: an empty list would mean all traffic, and fewer peers are not what the user asked for.
  const empty = peers.findIndex((peer) => resolve(peer, target.namespace, sources).length === 0);
  if (empty >= 0) {
    const { namespace = target.namespace } = peers[empty]?.podSelector ?? {};
    const message = `spec.peers.${empty}.podSelector: no running pod of the namespace ${namespace} fits`;
    throw new ChaosError(
      'FAILED_PRECONDITION',
      `${message}, or there is no such namespace; correct it or leave it out`,
    );
  }
  return allOf(peers, target.namespace, sources);
}

/** Whether the peers can change while the experiment runs. */
export function peersMove({ peers }: Pick<ExperimentSpec, 'peers'>): boolean {
  return peers.some(({ podSelector }) => podSelector !== undefined);
}

/**
 * The peers of an experiment that runs, at this moment. When all of them are gone, the fault hits no traffic until others come.
 * @throws ChaosError FAILED_PRECONDITION as `resolvePeers`.
 */
export function followedPeers(
  { peers, target }: Pick<ExperimentSpec, 'peers' | 'target'>,
  sources: PeerSources,
): WirePeer[] {
  const found = allOf(peers, target.namespace, sources);
  return found.length === 0 ? [NO_PEER] : found;
}

/** Each peer once. */
function allOf(peers: readonly PeerSpec[], targetNamespace: string, sources: PeerSources): WirePeer[] {
  const found = peers.flatMap((peer) => resolve(peer, targetNamespace, sources));
  return [...new Map(found.map((peer) => [JSON.stringify(peer), peer])).values()];
}

function resolve(peer: PeerSpec, targetNamespace: string, sources: PeerSources): WirePeer[] {
  const limits = {
    ...defined({ ports: peer.ports, protocol: peer.protocol }),
  };
  if (peer.cidr !== undefined) return [{ cidr: peer.cidr, ...limits }];
  if (peer.podSelector === undefined) return [];
  const { labelSelector, namespace = targetNamespace } = peer.podSelector;
  const chosen = sources.pods.filter(
    ({ metadata, spec, status }) =>
      metadata.namespace === namespace &&
      spec?.hostNetwork !== true &&
      status?.phase === 'Running' &&
      whyNoMatch(metadata.labels ?? {}, labelSelector) === undefined,
  );
  const addresses = new Set(chosen.flatMap(({ status }) => (status?.podIPs ?? []).map(({ ip }) => ip)));
  const services = sources.services
    .filter(({ metadata }) => metadata.namespace === namespace)
    .flatMap((service) => ofService(service, peer, addresses, sources));
  return [...[...addresses].sort().map((cidr) => ({ cidr, ...limits })), ...services];
}

/** The addresses and ports of a Service, when it leads to the chosen addresses and to no other. */
function ofService(service: Service, peer: PeerSpec, chosen: ReadonlySet<string>, sources: PeerSources): WirePeer[] {
  const clusterIPs = (service.spec?.clusterIPs ?? []).filter((ip) => ip !== 'None' && ip !== '');
  const slices = sources.endpointSlices.filter(
    ({ metadata }) =>
      metadata.namespace === service.metadata.namespace &&
      metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
  );
  const behind = slices.flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));
  const inside = behind.filter((address) => chosen.has(address));
  if (clusterIPs.length === 0 || inside.length === 0) return [];
  if (inside.length < behind.length) {
    const { namespace, name } = service.metadata;
    const count = `${inside.length} of the ${behind.length} addresses behind it`;
    const message = `the Service ${namespace ?? ''}/${name} leads to peers and to others (${count} are peers)`;
    const wayOut = 'choose all of its pods or none, or name addresses as cidr';
    throw new ChaosError('FAILED_PRECONDITION', `${message}, and its packets cannot be told apart: ${wayOut}`);
  }
  return clusterIPs.flatMap((cidr) => portsOf(service, peer, slices).map((port) => ({ cidr, ...port })));
}

/** The Service's own ports, by protocol, that lead to the ports that the peer is limited to. */
function portsOf(
  service: Service,
  peer: PeerSpec,
  slices: readonly EndpointSlice[],
): { readonly ports: number[]; readonly protocol: string }[] {
  const leading = (service.spec?.ports ?? []).filter(({ name = '', protocol = 'TCP' }) => {
    if (peer.protocol !== undefined && peer.protocol !== protocol.toLowerCase()) return false;
    const ends = slices.flatMap(({ ports }) => (ports ?? []).filter((one) => (one.name ?? '') === name));
    return peer.ports === undefined || ends.some(({ port }) => port !== undefined && peer.ports?.includes(port));
  });
  return ['tcp', 'udp'].flatMap((protocol) => {
    const ports = leading.filter((one) => (one.protocol ?? 'TCP').toLowerCase() === protocol).map(({ port }) => port);
    return ports.length === 0 ? [] : [{ ports, protocol }];
  });
}
