/** What happens to packets, by their mark. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEffectSource } from './effects.ts';

const layer = (bit: number, latencyMs: number, jitterMs = 0, correlationPercent = 0) => ({
  bit,
  latencyMs,
  jitterMs,
  correlationPercent,
  corrupts: false,
});

describe('the delay of a packet', () => {
  test.each([
    ['no bit of ChaosPlane', 0x4000, 0],
    ['one bit', 0x10000, 60],
    ['both bits, whose delays add up', 0x30000, 100],
    ['a foreign bit beside ours', 0x24000, 40],
  ])('with %s', (_name, mark, expected) => {
    const policy = { mask: 0xff0000, layers: [layer(0x10000, 60), layer(0x20000, 40)] };
    expect(createEffectSource(policy, () => 0.5).draw(mark)).toEqual({ waitMs: expected, corrupts: false });
  });

  test('stays within latency ± jitter, is never negative, and is counted', () => {
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const times = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(
        fc.array(fraction, { minLength: 2 }),
        times,
        times,
        fc.integer({ min: 0, max: 100 }),
        (random, latency, jitter, correlation) => {
          let index = 0;
          const policy = { mask: 1, layers: [layer(1, latency, jitter, correlation)] };
          const source = createEffectSource(policy, () => random[index++ % random.length] ?? 0);
          for (const _ of random) {
            const delay = source.draw(1).waitMs;
            expect(delay).toBeGreaterThanOrEqual(Math.max(0, latency - jitter));
            expect(delay).toBeLessThanOrEqual(latency + jitter);
          }
          expect(source.handled.get(1)).toBe(random.length);
        },
      ),
    );
  });

  test('with a correlation of 100 % repeats the one before', () => {
    let next = 0;
    const source = createEffectSource({ mask: 1, layers: [layer(1, 50, 20, 100)] }, () => (next = (next + 0.37) % 1));
    const first = source.draw(1);
    expect([source.draw(1), source.draw(1)]).toEqual([first, first]);
  });

  test.each([0, 25, 50, 90])(
    'with a correlation of %d %% is spread as evenly, and follows the one before so much',
    (percent) => {
      // A generator with a seed, so that nothing here is chance.
      let state = 7;
      const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
      const source = createEffectSource({ mask: 1, layers: [layer(1, 100, 60, percent)] }, random);
      const waits = Array.from({ length: 100_000 }, () => source.draw(1).waitMs);
      const mean = waits.reduce((sum, wait) => sum + wait) / waits.length;
      const offs = waits.map((wait) => wait - mean);
      const variance = offs.reduce((sum, off) => sum + off * off, 0) / offs.length;
      const covariance = offs.slice(1).reduce((sum, off, index) => sum + off * (offs[index] ?? 0), 0) / offs.length;
      expect(Math.abs(mean - 100)).toBeLessThan(1);
      expect(Math.abs(Math.sqrt(variance) / (60 / Math.sqrt(3)) - 1)).toBeLessThan(0.02);
      expect(Math.abs(covariance / variance - percent / 100)).toBeLessThan(0.02);
      // A quarter of them in each quarter of the range.
      for (const quarter of [0, 1, 2, 3]) {
        const here = waits.filter((wait) => wait >= 40 + 30 * quarter && wait < 70 + 30 * quarter).length;
        expect(Math.abs((4 * here) / waits.length - 1)).toBeLessThan(0.05);
      }
    },
  );

  test('keeps its counts when the policy changes', () => {
    const source = createEffectSource({ mask: 3, layers: [layer(1, 50)] }, () => 0.5);
    source.draw(1);
    source.change({ mask: 3, layers: [layer(1, 10), layer(2, 5)] });
    expect(source.draw(3).waitMs).toBe(15);
    expect([...source.handled]).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  test('counts again for a layer that gets the bit of one that is gone', () => {
    const source = createEffectSource({ mask: 3, layers: [layer(1, 50), layer(2, 5)] }, () => 0.5);
    source.draw(3);
    source.change({ mask: 3, layers: [layer(2, 5)] });
    source.change({ mask: 3, layers: [layer(2, 5), layer(1, 7)] });
    source.draw(1);
    expect([...source.handled].toSorted()).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  test('is a wrong bit as soon as one of its layers says so, and only then', () => {
    const corrupt = { ...layer(4, 0), corrupts: true };
    const source = createEffectSource({ mask: 7, layers: [layer(1, 50), corrupt] }, () => 0.5);
    expect(source.draw(5)).toEqual({ waitMs: 50, corrupts: true });
    expect(source.draw(1)).toEqual({ waitMs: 50, corrupts: false });
    expect(source.draw(4)).toEqual({ waitMs: 0, corrupts: true });
  });
});
