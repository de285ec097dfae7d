/** Which bit of the mark a new layer gets, and whether it can be combined with those that are there. Pure. */
import { ChaosError } from '@chaosplane/common';
import { MARK_BITS, markOf } from './names.ts';
import { beyondNetemTogether } from './netem-limits.ts';
import type { PlacedLayer } from './placed-layer.ts';

/**
 * The bit of the mark for `layer` beside `installed`; 0 for one that nft carries out alone.
 * @throws ChaosError FAILED_PRECONDITION when all are taken, or netem cannot carry the delays out together.
 */
export function freeMark(
  installed: Iterable<Pick<PlacedLayer, 'layer' | 'engine' | 'mark'>>,
  layer: PlacedLayer['layer'],
  engine: PlacedLayer['engine'],
): number {
  if (engine === 'nft') return 0;
  const shaping = [...installed].filter(({ mark }) => mark !== 0);
  const besideNetem = shaping.filter((other) => engine === 'netem' && other.engine === 'netem');
  const beyond = beyondNetemTogether([layer.effect, ...besideNetem.map((other) => other.layer.effect)]);
  if (beyond !== undefined && layer.effect.kind === 'delay')
    throw new ChaosError('FAILED_PRECONDITION', `${beyond}: cancel the other one, or ask for less`);
  const taken = new Set(shaping.map(({ mark }) => mark));
  const free = Array.from({ length: MARK_BITS }, (_, index) => markOf(index)).find((mark) => !taken.has(mark));
  if (free !== undefined) return free;
  const message = `this pod already has ${MARK_BITS} faults that delay, corrupt or limit, and no more can be combined`;
  throw new ChaosError('FAILED_PRECONDITION', `${message}: cancel one of them first`);
}
