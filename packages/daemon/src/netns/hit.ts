/** What happens to a packet in scope of a layer, as nft rules. Pure. */
import { CYCLE, fatesOf } from './fates.ts';
import type { Chance, Direction, Layer } from './layer.ts';
import { COPY_MARK, hex, layerNames } from './names.ts';
import type { Chain } from './ruleset.ts';

/** How rules name a device: `dup` and `fwd` take its number, since libnftables looks names up where its thread is. */
export type DeviceWord = (device: string) => string;

/** The counters of a layer: what came by in scope, and what chance or a partition chose of it. */
export function countersOf(layer: Layer): string[] {
  return [layerNames.matched(layer), ...(strikes(layer) ? [layerNames.struck(layer)] : [])];
}

/** Whether its packets are chosen by nft, so that nft counts them. */
export function strikes({ effect }: Layer): boolean {
  return effect.kind !== 'delay' && effect.kind !== 'bandwidth';
}

/** The chains that packets in scope of the layer go to. */
export function hitChains(layer: Layer, mark: number, deviceWord: DeviceWord): Chain[] {
  const matched = `counter name ${layerNames.matched(layer)}`;
  const chain = (direction: Direction, ...rules: string[]): Chain => {
    return { name: layerNames.hit(layer, direction), rules: [matched, ...rules] };
  };
  const struck = `counter name ${layerNames.struck(layer)}`;
  const setMark = (bits: number): string => `meta mark set meta mark or ${hex(bits)}`;
  const { effect, scope } = layer;
  switch (effect.kind) {
    case 'partition':
      return [chain('egress', `${struck} drop`)];
    case 'loss':
      return [chain('egress', `${diceOf(layer.id, effect)}${struck} drop`)];
    case 'corrupt':
      return [chain('egress', `${diceOf(layer.id, effect)}${setMark(mark)} ${struck}`)];
    case 'delay':
    case 'bandwidth':
      return [chain('egress', setMark(mark))];
    case 'duplicate': {
      const dice = diceOf(layer.id, effect);
      return scope.directions.map((direction) =>
        direction === 'ingress'
          ? chain(direction, `${dice}${setMark(COPY_MARK)} ${struck}`)
          : chain(
              direction,
              // The copy comes by here as well, with the mark; the original goes on without it.
              `${dice}${setMark(COPY_MARK)} ${struck} dup to ${deviceWord(scope.interface)}`,
              `meta mark set meta mark and ${hex(~COPY_MARK)}`,
            ),
      );
    }
  }
}

/** A match that succeeds for the share of packets that was asked for. */
function diceOf(seed: string, { percent, correlationPercent }: Chance): string {
  const share = Math.max(1, Math.round(percent * 1000));
  // nft refuses a comparison that is always true: `numgen random mod 100000 < 100000`.
  if (share >= 100_000) return '';
  if (correlationPercent === 0) return `numgen random mod 100000 < ${share} `;
  const runs = fatesOf(percent, correlationPercent, seed);
  return `numgen inc mod ${CYCLE} { ${runs.map(({ from, to }) => (from === to ? from : `${from}-${to}`)).join(', ')} } `;
}
