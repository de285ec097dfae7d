/** The scope of a layer as nft rules: which packets of a hook it is about. Pure. */
import { formatCidr, type Cidr, type PortRange } from '@chaosplane/common';
import { followsFragments, laterRules } from './fragments.ts';
import type { Direction, Layer, Spared } from '../model/layer.ts';
import { layerNames } from './names.ts';
import { ipOf, peerAddress, peerRules, portSet, strangerRules } from './peers.ts';
import type { Chain } from '../nft/ruleset.ts';

/**
 * The chains that go to the layer's hit chain for packets in scope, and return for all others; the first one is where they
 * enter. A peer's own ports are the peer's, the scope's are those of either end: a packet must match both.
 */
export function scopeChains(layer: Layer, direction: Direction): Chain[] {
  const { scope } = layer;
  const name = layerNames.scope(layer, direction);
  const first = [
    ...(followsFragments(layer) ? laterRules(layer, `goto ${layerNames.rest(layer, direction)}`) : []),
    ...(scope.spared === undefined ? [] : sparedRules(scope.spared, direction)),
  ];
  if (scope.portPeers === undefined) {
    return [{ name, rules: [...first, ...strangerRules(layer, direction), ...trafficRules(layer, direction)] }];
  }
  const peer = layerNames.peer(layer, direction);
  return [
    { name, rules: [...first, ...peerRules(layer, direction, `goto ${peer}`)] },
    { name: peer, rules: trafficRules(layer, direction) },
  ];
}

/** What is asked for of packets of every peer. */
function trafficRules(layer: Layer, direction: Direction): string[] {
  const { protocol, ports } = layer.scope;
  const hit = `goto ${layerNames.hit(layer, direction)}`;
  return [
    ...protocolRules(protocol, ports),
    // Ports by a positive match: the later fragments of a datagram show no port, and are known by its first.
    ...(ports.length === 0 ? [hit] : ['dport', 'sport'].map((side) => `th ${side} ${portSet(ports)} ${hit}`)),
  ];
}

function protocolRules(protocol: Layer['scope']['protocol'], ports: readonly PortRange[]): string[] {
  switch (protocol) {
    case 'tcp':
    case 'udp':
      return [`meta l4proto != ${protocol} return`];
    case 'icmp':
      // Words of nft itself: other names of protocols are looked up in /etc/protocols, which not each machine has.
      return ['meta l4proto != { icmp, icmpv6 } return'];
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
    return [`${ipOf(family)} ${peerAddress[direction]} { ${addresses.map(formatCidr).join(', ')} } ${port} return`];
  });
}
