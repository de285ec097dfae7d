/** How often the comparison with a baseline is wrong, by simulation. */
import { expect, test } from '@jest/globals';
import { countLatencies, quantile, withLatency, BASELINE_SAMPLES, type Latencies } from '@chaosplane/api';
import { seededRandom } from '@chaosplane/common/pure';
import { isSlower } from './rank-test.ts';

type Draw = (random: () => number) => number;

/** Box–Muller. */
const normal: Draw = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
/** As services answer: a median of 20 ms, and half of them within a factor of 1.2. */
const typical: Draw = (random) => 20 * Math.exp(0.3 * normal(random));
/** Most answer from a cache, some from a disk. */
const twoHumps: Draw = (random) => (random() < 0.8 ? 2 + random() : 40 * Math.exp(0.2 * normal(random)));
/** In whole milliseconds, so that most are equal. */
const coarse: Draw = (random) => Math.round(2 + random() * 2);
const longTail: Draw = (random) => 5 + 30 * -Math.log(1 - random());

function drawn(count: number, draw: Draw, random: () => number): Latencies {
  let latencies: Latencies = [];
  for (let index = 0; index < count; index++) latencies = withLatency(latencies, draw(random));
  return latencies;
}

const found = (runs: number, before: Draw, during: Draw, seed: number): number => {
  const random = seededRandom(seed);
  let alarms = 0;
  for (let run = 0; run < runs; run++)
    if (isSlower(drawn(BASELINE_SAMPLES, before, random), drawn(BASELINE_SAMPLES, during, random))) alarms += 1;
  return alarms;
};

test.each<[what: string, draw: Draw]>([
  ['a typical service', typical],
  ['a cache in front of a disk', twoHumps],
  ['times in whole milliseconds', coarse],
  ['a long tail', longTail],
])('where nothing has changed, at most 5 percent of 1,000 runs are an alarm: %s', (_what, draw) => {
  const alarms = found(1000, draw, draw, 7);
  expect(alarms).toBeLessThanOrEqual(50);
  // It is a test that can say so.
  expect(found(200, draw, (random) => 3 * draw(random), 7)).toBe(200);
});

test('a typical service whose p95 is 20 percent longer is found in at least 95 percent of 200 runs', () => {
  expect(found(200, typical, (random) => 1.2 * typical(random), 11)).toBeGreaterThanOrEqual(190);
});

test('what is longer by less than five percent is no alarm, however many samples say so', () => {
  const random = seededRandom(3);
  const [before, during] = [drawn(5000, typical, random), drawn(5000, (again) => 1.03 * typical(again), random)];
  expect(isSlower(before, during)).toBe(false);
  expect(isSlower(during, before)).toBe(false);
});

test('what is shorter is no alarm, and neither is what is the same', () => {
  const random = seededRandom(5);
  const some = drawn(200, typical, random);
  expect(isSlower(some, some)).toBe(false);
  expect(
    isSlower(
      some,
      drawn(200, (again) => typical(again) / 2, random),
    ),
  ).toBe(false);
  expect(isSlower([], [])).toBe(false);
});

test('a quantile is off by 1 percent at most, and needs no more room than there are buckets', () => {
  const random = seededRandom(1);
  const exact = Array.from({ length: 3000 }, () => longTail(random)).toSorted((a, b) => a - b);
  const latencies = exact.reduce<Latencies>(withLatency, []);
  expect(countLatencies(latencies)).toBe(3000);
  for (const share of [0.01, 0.5, 0.95, 0.99, 1]) {
    const value = exact[Math.ceil(share * 3000) - 1] ?? 0;
    expect(Math.abs((quantile(latencies, share) ?? 0) / value - 1)).toBeLessThanOrEqual(0.01);
  }
  expect(latencies.length).toBeLessThan(260);
  expect(quantile([], 0.5)).toBeUndefined();
  expect(quantile(withLatency([], 0), 0.5)).toBeCloseTo(0.01, 3);
});
