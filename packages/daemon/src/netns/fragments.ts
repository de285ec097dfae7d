/** Fragments of datagrams under a scope with ports: only the first has the ports, and the others follow it. Pure. */
import type { Layer } from '../model/layer.ts';
import { layerNames } from './names.ts';
import type { NftSet } from '../nft/ruleset.ts';

/*
 * The sending kernel emits the fragment with the ports first. The layer remembers the datagram by what all of its fragments
 * share (RFC 791, RFC 8200 §4.5): addresses, identification and, in IPv4, the protocol.
 */

const keys = {
  4: 'ip saddr . ip daddr . ip id . ip protocol',
  6: 'ip6 saddr . ip6 daddr . frag id',
} as const;

/** "More fragments" is set and the offset is 0. */
const first = { 4: 'ip frag-off & 0x3fff == 0x2000', 6: 'frag frag-off == 0 frag more-fragments == 1' } as const;
const later = { 4: 'ip frag-off & 0x1fff != 0', 6: 'frag frag-off != 0' } as const;

const families = [4, 6] as const;

/** Fragments of one datagram leave within microseconds and arrive soon after each other; identifications come again. */
const REMEMBERED = '2s';
const MOST_DATAGRAMS = 65_535;

/** Whether what happened to a datagram has to be remembered for the fragments that show no port. */
export function followsFragments({ scope }: Layer): boolean {
  return scope.ports.length > 0 || (scope.portPeers ?? []).some(({ ports }) => ports.length > 0);
}

/** The datagrams whose later fragments are in scope. */
export function fragmentSets(layer: Layer): NftSet[] {
  if (!followsFragments(layer)) return [];
  return families.map((family) => ({
    name: layerNames.fragments(layer, family),
    declaration: `typeof ${keys[family]} ; size ${MOST_DATAGRAMS} ; flags dynamic,timeout ; timeout ${REMEMBERED} ;`,
    elements: [],
    timed: false,
  }));
}

/** Rules that remember a datagram by its first fragment. */
export function rememberRules(layer: Layer): string[] {
  return families.map(
    (family) => `${first[family]} update @${layerNames.fragments(layer, family)} { ${keys[family]} }`,
  );
}

/** Rules that take the later fragments of remembered datagrams to `verdict`. */
export function laterRules(layer: Layer, verdict: string): string[] {
  return families.map(
    (family) => `${later[family]} ${keys[family]} @${layerNames.fragments(layer, family)} ${verdict}`,
  );
}
