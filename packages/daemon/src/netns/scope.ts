/** The scope of a layer as nft rules: which packets of a hook it is about. Pure. */
import { formatCidr, type Cidr, type PortRange } from '@chaosplane/common';
import type { Direction, Layer, Spared } from './layer.ts';
import type { NftSet } from './ruleset.ts';

/** Names of what a layer owns in a table. */
export const layerNames = {
  live: (layer: Layer) => `${layer.id}_live`,
  peers: (layer: Layer, family: 4 | 6) => `${layer.id}_peers${family}`,
  matched: (layer: Layer) => `${layer.id}_matched`,
  dropped: (layer: Layer) => `${layer.id}_dropped`,
  scope: (layer: Layer, direction: Direction) => `${layer.id}_${direction}`,
  hit: (layer: Layer) => `${layer.id}_hit`,
} as const;

/** A time as nft writes it: `3s250ms`. */
export function nftTime(ms: number): string {
  const whole = Math.max(1, Math.round(ms));
  return `${Math.floor(whole / 1000)}s${whole % 1000}ms`;
}

/**
 * The liveness set: while its elements live, the layer's rules match. The kernel itself takes them out at the deadline.
 * Its key is the packet's protocol, so ARP never matches.
 */
export function livenessSet(layer: Layer, remainingMs: number): NftSet {
  const timeout = nftTime(remainingMs);
  return {
    name: layerNames.live(layer),
    declaration: 'typeof meta protocol ; flags timeout ;',
    elements: [`ip timeout ${timeout}`, `ip6 timeout ${timeout}`],
    timed: true,
  };
}

/** The sets of the layer's peers, one for each family that has any. */
export function peerSets(layer: Layer): NftSet[] {
  return ([4, 6] as const).flatMap((family) => {
    const peers = layer.scope.peers.filter((peer) => peer.family === family);
    if (peers.length === 0) return [];
    return [
      {
        name: layerNames.peers(layer, family),
        declaration: `type ipv${family}_addr ; flags interval ; auto-merge ;`,
        elements: peers.map(formatCidr),
        timed: false,
      },
    ];
  });
}

/** Rules that return for packets out of scope and go to the layer's hit chain for those within. */
export function scopeRules(layer: Layer, direction: Direction): string[] {
  const { scope } = layer;
  const hit = `goto ${layerNames.hit(layer)}`;
  return [
    ...(scope.spared === undefined ? [] : sparedRules(scope.spared, direction)),
    ...peerRules(layer, direction),
    ...protocolRules(scope.protocol, scope.ports),
    // Ports by a positive match: the later fragments of a datagram show no port, and must not count as in scope.
    ...(scope.ports.length === 0
      ? [hit]
      : ['dport', 'sport'].map((side) => `th ${side} ${portSet(scope.ports)} ${hit}`)),
  ];
}

const peerAddress = { egress: 'daddr', ingress: 'saddr' } as const;

function peerRules(layer: Layer, direction: Direction): string[] {
  if (layer.scope.peers.length === 0) return [];
  return ([4, 6] as const).map((family) => {
    const protocol = family === 4 ? 'ip' : 'ip6';
    return layer.scope.peers.some((peer) => peer.family === family)
      ? `${protocol} ${peerAddress[direction]} != @${layerNames.peers(layer, family)} return`
      : `meta protocol ${protocol} return`;
  });
}

function protocolRules(protocol: Layer['scope']['protocol'], ports: readonly PortRange[]): string[] {
  switch (protocol) {
    case 'tcp':
    case 'udp':
      return [`meta l4proto != ${protocol} return`];
    case 'icmp':
      return ['meta l4proto != { icmp, ipv6-icmp } return'];
    case undefined:
      return ports.length === 0 ? [] : ['meta l4proto != { tcp, udp } return'];
  }
}

/** A probe comes from the node to a port of the pod; its answers leave from that port. */
function sparedRules(spared: Spared, direction: Direction): string[] {
  if (spared.ports.length === 0) return [];
  const port = `tcp ${direction === 'egress' ? 'sport' : 'dport'} { ${spared.ports.join(', ')} }`;
  return ([4, 6] as const).flatMap((family) => {
    const addresses = spared.addresses.filter((address: Cidr) => address.family === family);
    if (addresses.length === 0) return [];
    const protocol = family === 4 ? 'ip' : 'ip6';
    return [`${protocol} ${peerAddress[direction]} { ${addresses.map(formatCidr).join(', ')} } ${port} return`];
  });
}

function portSet(ports: readonly PortRange[]): string {
  return `{ ${ports.map((range) => (range.from === range.to ? String(range.from) : `${range.from}-${range.to}`)).join(', ')} }`;
}
