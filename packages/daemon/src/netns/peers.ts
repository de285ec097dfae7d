/** The peers of a layer as nft sets, and the rules that find their packets. Pure. */
import { formatCidr, type Cidr, type PortRange } from '@chaosplane/common';
import type { Direction, Layer, PortPeer } from '../model/layer.ts';
import { layerNames } from './names.ts';
import type { NftSet } from '../nft/ruleset.ts';

const families = [4, 6] as const;

/** Where the peer's address stands in a packet. */
export const peerAddress = { egress: 'daddr', ingress: 'saddr' } as const;

/** How nft calls the protocol of a family. */
export const ipOf = (family: 4 | 6): 'ip' | 'ip6' => (family === 4 ? 'ip' : 'ip6');

/** Peers that share their ports and protocol, and so a set and a rule. */
interface Group {
  readonly ports: readonly PortRange[];
  readonly protocol: PortPeer['protocol'];
  readonly cidrs: readonly Cidr[];
}

/** Ports and protocols of Services are few, regardless of the number of Services: one rule for each that differs. */
function groupsOf(layer: Layer): Group[] {
  const byPorts = Map.groupBy(layer.scope.portPeers ?? [], ({ ports, protocol }) => JSON.stringify([ports, protocol]));
  return [...byPorts.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    return [{ ports: first.ports, protocol: first.protocol, cidrs: members.map(({ cidr }) => cidr) }];
  });
}

/** Every peer that is a peer on every port, those by name included; undefined when there is none: any peer. */
function plainPeers({ scope }: Layer): readonly Cidr[] | undefined {
  const { peers, hosts } = scope;
  if (peers.length === 0 && hosts === undefined) return undefined;
  const all = [...peers, ...(hosts ?? []).flatMap(({ addresses }) => addresses)];
  return [...new Map(all.map((cidr) => [formatCidr(cidr), cidr])).values()];
}

/** The sets of the layer's peers, one for each family that has any; and one more for each group of those with ports. */
export function peerSets(layer: Layer): NftSet[] {
  const sets = (cidrs: readonly Cidr[], group?: number): NftSet[] =>
    families.flatMap((family) => {
      const members = cidrs.filter((cidr) => cidr.family === family);
      if (members.length === 0) return [];
      return [
        {
          name: layerNames.peers(layer, family, group),
          declaration: `type ipv${family}_addr ; flags interval ; auto-merge ;`,
          elements: members.map(formatCidr),
          timed: false,
        },
      ];
    });
  return [...sets(plainPeers(layer) ?? []), ...groupsOf(layer).flatMap(({ cidrs }, index) => sets(cidrs, index + 1))];
}

/** Rules that return for packets without a peer; for layers whose peers are peers on every port. */
export function strangerRules(layer: Layer, direction: Direction): string[] {
  const peers = plainPeers(layer);
  if (peers === undefined) return [];
  return families.map((family) =>
    peers.some((peer) => peer.family === family)
      ? `${ipOf(family)} ${peerAddress[direction]} != @${layerNames.peers(layer, family)} return`
      : `meta protocol ${ipOf(family)} return`,
  );
}

/** Rules that take packets of a peer to `verdict`; for layers that have peers with ports of their own. */
export function peerRules(layer: Layer, direction: Direction, verdict: string): string[] {
  const rules = (cidrs: readonly Cidr[], match: string, group?: number): string[] =>
    families
      .filter((family) => cidrs.some((cidr) => cidr.family === family))
      .map((family) => {
        const set = layerNames.peers(layer, family, group);
        return `${ipOf(family)} ${peerAddress[direction]} @${set} ${match}${verdict}`;
      });
  return [
    ...rules(plainPeers(layer) ?? [], ''),
    ...groupsOf(layer).flatMap((group, index) => rules(group.cidrs, `${portMatch(group, direction)} `, index + 1)),
  ];
}

/** The ports are those of the peer's end: where packets go to when they leave the pod, and come from when they enter it. */
function portMatch({ ports, protocol }: Group, direction: Direction): string {
  const side = direction === 'egress' ? 'dport' : 'sport';
  if (ports.length === 0) return `meta l4proto ${protocol ?? '{ tcp, udp }'}`;
  if (protocol !== undefined) return `${protocol} ${side} ${portSet(ports)}`;
  return `meta l4proto { tcp, udp } th ${side} ${portSet(ports)}`;
}

/** Ports as an anonymous set of nft. */
export function portSet(ports: readonly PortRange[]): string {
  return `{ ${ports.map((range) => (range.from === range.to ? String(range.from) : `${range.from}-${range.to}`)).join(', ')} }`;
}
