/** The cycle of bursts: the share is exact, the correlation is the one asked for, and it is always the same. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CYCLE, burstsOf, type Burst } from './bursts.ts';

const percent = fc.double({ min: 0.001, max: 100, noNaN: true });
const correlation = fc.double({ min: 0, max: 100, noNaN: true });

const hitsIn = (runs: readonly Burst[]): boolean[] => {
  const hits = Array<boolean>(CYCLE).fill(false);
  for (const { from, to } of runs) hits.fill(true, from, to + 1);
  return hits;
};

describe('a cycle of bursts', () => {
  test('has the share that was asked for, in runs that do not touch', () => {
    fc.assert(
      fc.property(percent, correlation, fc.string(), (share, depends, seed) => {
        const runs = burstsOf(share, depends, seed);
        const hits = hitsIn(runs).filter(Boolean).length;
        expect(hits).toBe(Math.max(1, Math.round((CYCLE * share) / 100)));
        for (const [index, { from, to }] of runs.entries()) {
          expect(from).toBeLessThanOrEqual(to);
          if (index > 0) expect(from).toBeGreaterThan((runs[index - 1]?.to ?? 0) + 1);
        }
        expect(runs.at(-1)?.to).toBe(CYCLE - 1);
      }),
    );
  });

  test.each([
    [30, 0],
    [30, 50],
    [10, 80],
    [50, 25],
  ])('of %d %% and a correlation of %d %% has that correlation', (share, asked) => {
    const hits = hitsIn(burstsOf(share, asked, 'l1'));
    const afterHit = hits.filter((_, index) => hits[(index + CYCLE - 1) % CYCLE] === true);
    const again = afterHit.filter(Boolean).length / afterHit.length;
    expect((again - share / 100) / (1 - share / 100)).toBeCloseTo(asked / 100, 1);
  });

  test('is the same for the same layer, and another one for another', () => {
    expect(burstsOf(20, 30, 'la')).toEqual(burstsOf(20, 30, 'la'));
    expect(burstsOf(20, 30, 'la')).not.toEqual(burstsOf(20, 30, 'lb'));
  });
});
