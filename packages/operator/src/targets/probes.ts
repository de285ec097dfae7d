/** Which traffic of a pod is the kubelet's: its probes and hooks, as the pod's spec has them. Pure. */
import { parseCidr } from '@chaosplane/common';
import type { Container, HttpGetAction, Node, Pod } from '@chaosplane/kube';
import { lastingContainers } from './container.ts';

/** The kubelet's traffic to a pod, as a daemon is told. */
export interface WireProbes {
  /** The addresses of the pod's node. The daemon adds those that only the node itself can tell. */
  readonly nodeAddresses: string[];
  /** The ports of the pod that the kubelet asks. */
  readonly ports: number[];
}

/**
 * What the kubelet asks of the pod; undefined when it asks nothing over the network, or the pod is another one. Hooks count too: a
 * container whose postStart fails is killed as one whose probe fails. A probe by exec has no traffic of the kubelet's.
 */
export function kubeletTraffic(pod: Pod | undefined, node: Node | undefined, uid: string): WireProbes | undefined {
  if (pod?.metadata.uid !== uid) return undefined;
  const own = new Set(
    addresses(
      (pod.status?.podIPs ?? []).map(({ ip }) => ip),
      pod.status?.podIP,
    ),
  );
  const found = lastingContainers(pod).flatMap((container) => portsOf(container, own));
  const ports = [...new Set(found)].toSorted((a, b) => a - b);
  return ports.length === 0 ? undefined : { nodeAddresses: nodeAddresses(pod, node), ports };
}

/** One thing that the kubelet asks, for a probe or a hook. */
type Asked = Pick<HttpGetAction, 'port' | 'host'>;

function portsOf(container: Container, own: ReadonlySet<string>): number[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  const probes = [livenessProbe, readinessProbe, startupProbe].flatMap((probe): (Asked | undefined)[] => [
    probe?.httpGet,
    probe?.tcpSocket,
    probe?.grpc,
  ]);
  const hooks = [lifecycle?.postStart?.httpGet, lifecycle?.preStop?.httpGet];
  return [...probes, ...hooks].flatMap((asked) => {
    if (asked === undefined || !hitsPod(asked, own)) return [];
    const port = resolvePort(asked.port, container);
    return port === undefined ? [] : [port];
  });
}

/** A probe with a host goes there, and to this pod only where the host is one of its addresses. */
function hitsPod({ host = '' }: Asked, own: ReadonlySet<string>): boolean {
  return host === '' || addresses([host]).some((address) => own.has(address));
}

/** As the kubelet does: by the names of this container's ports, then as a number that was written as a text. */
function resolvePort(port: number | string, { ports = [] }: Container): number | undefined {
  const named = typeof port === 'string' ? ports.find(({ name }) => name === port)?.containerPort : undefined;
  const number = named ?? (/^\d+$/.test(String(port)) ? Number(port) : 0);
  return number >= 1 && number <= 65_535 ? number : undefined;
}

/** Of every IP version that the node has. Its names are no addresses. */
function nodeAddresses({ status }: Pod, node: Node | undefined): string[] {
  const ofNode = (node?.status?.addresses ?? []).map(({ address }) => address);
  return addresses([...(status?.hostIPs ?? []).map(({ ip }) => ip), ...ofNode], status?.hostIP);
}

/** Those of the texts that are addresses, in one canonical form, each once, sorted. */
function addresses(texts: readonly string[], one?: string): string[] {
  const all = one === undefined ? texts : [...texts, one];
  const found = all.flatMap((text) => {
    const parsed = parseCidr(text);
    return parsed.ok && !text.includes('/') ? [parsed.value.address] : [];
  });
  return [...new Set(found)].toSorted();
}
