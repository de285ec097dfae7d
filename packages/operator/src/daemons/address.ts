/** Where the daemon of a node is found: the label that stands for the node in cluster DNS. Pure. */
import { createHash } from 'node:crypto';

/** The longest DNS label (RFC 1123). */
const LONGEST_LABEL = 63;

const plain = (node: string): string => node.replaceAll('.', '-');

/**
 * The DNS label of each node. The API server takes no dots in an endpoint's `hostname`, so they become dashes; where that
 * would be too long, or the name of another node, a hash of the name is added.
 */
export function nodeLabels(nodes: Iterable<string>): ReadonlyMap<string, string> {
  const names = [...new Set(nodes)];
  const holders = new Map<string, number>();
  for (const name of names) holders.set(plain(name), (holders.get(plain(name)) ?? 0) + 1);
  return new Map(
    names.map((name) => {
      const label = plain(name);
      const fits = label.length <= LONGEST_LABEL && (label === name || holders.get(label) === 1);
      return [name, fits ? label : hashed(name)];
    }),
  );
}

function hashed(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${plain(name)
    .slice(0, LONGEST_LABEL - hash.length - 1)
    .replace(/-+$/, '')}-${hash}`;
}

/** The domain under which every daemon has its label. */
export function daemonDomain(parts: {
  readonly service: string;
  readonly namespace: string;
  readonly clusterDomain: string;
}): string {
  return `${parts.service}.${parts.namespace}.svc.${parts.clusterDomain}`;
}

/**
 * Where to connect, in gRPC's naming: the address of the daemon's pod, which the operator knows from the same cache that the
 * name's record is made of; the name where it knows none. DNS would answer for up to half a minute with what was.
 */
export function daemonTarget(name: string, port: number, podIp: string | undefined): string {
  if (podIp === undefined) return `dns:${name}:${port}`;
  return podIp.includes(':') ? `ipv6:[${podIp}]:${port}` : `ipv4:${podIp}:${port}`;
}
