/** The peers that come with a request: what they mean, and what is wrong with them. Pure. */
import { parseCidr, parsePorts, type Cidr, type Problem } from '@chaosplane/common';
import type { PortPeer } from '../model/layer.ts';
import type { RequestPeer } from './request.ts';

/** Peers that were understood. */
export interface Peers {
  /** Peers on every port, by every protocol. */
  readonly peers: readonly Cidr[];
  readonly portPeers: readonly PortPeer[];
}

/** Understands all of them; what is wrong is added to `problems`, each with its place in the request below `at`. */
export function parsePeersOf(given: readonly RequestPeer[], problems: Problem[], at = 'options'): Peers {
  const peers: Cidr[] = [];
  const portPeers: PortPeer[] = [];
  for (const [index, { cidr: text, ports, protocol }] of given.entries()) {
    const path = `${at}.peers[${index}]`;
    const cidr = parseCidr(text);
    if (!cidr.ok) problems.push({ path, wrong: cidr.wrong, allowed: cidr.allowed });
    const ranges = ports.length === 0 ? { ok: true as const, value: [] } : parsePorts(ports.join(','));
    if (!ranges.ok) problems.push({ path: `${path}.ports`, wrong: ranges.wrong, allowed: '1 to 65535' });
    if (!isProtocol(protocol)) {
      const wrong = `${JSON.stringify(protocol.slice(0, 20))} is not a protocol with ports`;
      problems.push({ path: `${path}.protocol`, wrong, allowed: 'tcp or udp; nothing for both' });
    } else if (cidr.ok && ranges.ok) {
      if (ranges.value.length === 0 && protocol === '') peers.push(cidr.value);
      else portPeers.push({ cidr: cidr.value, ports: ranges.value, ...(protocol === '' ? {} : { protocol }) });
    }
  }
  return { peers, portPeers };
}

function isProtocol(text: string): text is '' | 'tcp' | 'udp' {
  return text === '' || text === 'tcp' || text === 'udp';
}

/** A peer as one text; equal peers are equal texts. One without ports and protocol is its address alone. */
export function peerText({ cidr, ports, protocol }: RequestPeer): string {
  if (ports.length === 0 && protocol === '') return cidr;
  return `${cidr} ${protocol} ${ports.toSorted((a, b) => a - b).join(',')}`;
}
