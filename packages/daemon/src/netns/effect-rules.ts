/** What happens to a packet in scope of a layer, as nft rules. Pure. */
import { CYCLE, burstsOf } from './bursts.ts';
import { followsFragments, rememberRules } from './fragments.ts';
import type { Chance, Direction, Layer } from '../model/layer.ts';
import { COPY_MARK, hex, layerNames, SINK_QUEUE } from './names.ts';
import type { Hooks, PlacedLayer } from './placed-layer.ts';
import type { Chain } from '../nft/ruleset.ts';

/** How rules name a device: `dup` and `fwd` take its number, since libnftables looks names up where its thread is. */
export type DeviceWord = (device: string) => string;

/** The counters of a layer: what came by in scope, and what chance or a partition chose of it. */
export function countersOf(layer: Layer): string[] {
  return [layerNames.matched(layer), ...(strikes(layer) ? [layerNames.affected(layer)] : [])];
}

/** Whether its packets are chosen by nft, so that nft counts them. */
export function strikes({ effect }: Layer): boolean {
  return effect.kind !== 'delay' && effect.kind !== 'bandwidth';
}

/** What is done with the packets that chance has chosen, or with all of them. */
interface Deed {
  readonly direction: Direction;
  /** Chooses packets; empty: every packet. */
  readonly dice: string;
  /** Counts those that are chosen; empty: none are. */
  readonly counts: string;
  /** The first is for chosen packets, the others see those that chance has spared as well. */
  readonly rules: readonly string[];
}

/** The chains that packets in scope of the layer go to. */
export function hitChains(placed: PlacedLayer, family: Hooks, deviceWord: DeviceWord): Chain[] {
  const { layer } = placed;
  const matched = `counter name ${layerNames.matched(layer)}`;
  return deedsOf(placed, family, deviceWord).flatMap(({ direction, dice, counts, rules }): Chain[] => {
    const name = layerNames.hit(layer, direction);
    const [chosen = '', ...others] = rules;
    const counted = [`${counts}${chosen}`.trim(), ...others];
    if (!followsFragments(layer)) return [{ name, rules: [matched, `${dice}${counted[0] ?? ''}`, ...others] }];
    const act = layerNames.act(layer, direction);
    return [
      { name: act, rules: [...rememberRules(layer), ...counted] },
      {
        name: layerNames.rest(layer, direction),
        // Where chance decides, datagrams are counted: the later fragments of those that it has spared are seen nowhere.
        rules: isOfChance(layer) ? restOf(layer, rules) : [matched, `goto ${act}`],
      },
      { name, rules: [matched, `${dice}goto ${act}`] },
    ];
  });
}

/** A datagram is wrong when one of its fragments is. */
const restOf = ({ effect }: Layer, rules: readonly string[]): readonly string[] =>
  effect.kind === 'corrupt' ? [] : rules;

const isOfChance = ({ effect }: Layer): boolean => 'percent' in effect;

function deedsOf({ layer, mark, sink }: PlacedLayer, family: Hooks, deviceWord: DeviceWord): Deed[] {
  const counts = strikes(layer) ? `counter name ${layerNames.affected(layer)} ` : '';
  const setMark = (bits: number): string => `meta mark set meta mark or ${hex(bits)}`;
  const { effect, scope } = layer;
  const everyWay = (dice: string, ...rules: string[]): Deed[] => [{ direction: 'egress', dice, counts, rules }];
  switch (effect.kind) {
    case 'partition': {
      if (effect.how === 'silent') return everyWay('', silence(family, sink === true));
      const refuse = 'reject with icmpx type host-unreachable';
      return everyWay(
        '',
        // Counts all of them; what refuses stands behind.
        '',
        ...(effect.how === 'reset' ? ['meta l4proto tcp reject with tcp reset'] : []),
        refuse,
      );
    }
    case 'loss':
      return everyWay(diceOf(layer.id, effect), silence(family, sink === true));
    case 'corrupt':
      return everyWay(diceOf(layer.id, effect), setMark(mark));
    case 'delay':
    case 'bandwidth':
      return everyWay('', setMark(mark));
    case 'duplicate': {
      const dice = diceOf(layer.id, effect);
      return scope.directions.map((direction): Deed => {
        if (direction === 'ingress') return { direction, dice, counts, rules: [setMark(COPY_MARK)] };
        const copy = (device: string): string => {
          const word = deviceWord(device);
          return `meta mark and ${hex(COPY_MARK)} != 0 meta oif ${word} dup to ${word}`;
        };
        return {
          direction,
          dice,
          counts,
          rules: [
            // The copy comes by here as well, with the mark; the original goes on without it.
            setMark(COPY_MARK),
            ...scope.interfaces.map(copy),
            `meta mark set meta mark and ${hex(~COPY_MARK)}`,
          ],
        };
      });
    }
  }
}

/**
 * Frees a packet so that its sender is told of success, as by a link that loses it. A `drop` in the egress hook answers
 * NET_XMIT_DROP, which TCP takes for congestion of its own interface: it neither counts the segment as sent nor backs off, and gives
 * the connection up after 8 s instead of 15 minutes. Device number 0 does not exist: `fwd` frees what it cannot forward.
 */
function silence(family: Hooks, sink: boolean): string {
  if (family === 'netdev') return 'fwd to 0';
  return sink ? `queue num ${SINK_QUEUE}` : 'drop';
}

/** A match that succeeds for the share of packets that was asked for. */
function diceOf(seed: string, { percent, correlationPercent }: Chance): string {
  const share = Math.max(1, Math.round(percent * 1000));
  // nft refuses a comparison that is always true: `numgen random mod 100000 < 100000`.
  if (share >= 100_000) return '';
  if (correlationPercent === 0) return `numgen random mod 100000 < ${share} `;
  const runs = burstsOf(percent, correlationPercent, seed);
  return `numgen inc mod ${CYCLE} { ${runs.map(({ from, to }) => (from === to ? from : `${from}-${to}`)).join(', ')} } `;
}
