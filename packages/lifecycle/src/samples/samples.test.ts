/** What samples say together, and whether they keep what they must. */
import { describe, expect, test } from '@jest/globals';
import type { ProbeSamples, Tolerance } from '@chaosplane/api';
import { noSamples, withSample, type Sample, type Times } from './fold.ts';
import { judgeSamples } from './judge.ts';

const times: Times = { startedAt: 10_000, effectiveAt: 12_000, recoveringAt: 20_000 };

type Outcome = Sample['outcome'];

/** One sample each second from `from` on. */
function sampled(from: number, outcomes: readonly Outcome[], known = noSamples('web'), tookMs = 10): ProbeSamples {
  return outcomes.reduce(
    (samples, outcome, index) =>
      withSample(samples, { outcome, begunAt: from + index * 1000, tookMs, message: `${outcome} ${index}` }, times),
    known,
  );
}

const pass = (count: number): Outcome[] => Array.from({ length: count }, () => 'pass');
const fail = (count: number): Outcome[] => Array.from({ length: count }, () => 'fail');

describe('samples belong to the part of the experiment in which they begin', () => {
  test('before the injection, while all faults are in force, and to neither in between and afterwards', () => {
    const { before, inForce } = sampled(8000, [...pass(2), ...fail(2), ...pass(6), 'fail', 'error', ...fail(3)]);
    expect(before).toMatchObject({ passed: 2, failed: 0, errors: 0 });
    expect(inForce).toMatchObject({ passed: 6, failed: 1, errors: 1 });
  });

  test('latencies are those of samples that passed', () => {
    const { inForce } = sampled(12_000, ['pass', 'fail', 'error']);
    expect(inForce.latencies.map(([, count]) => count)).toEqual([1]);
  });
});

describe('an outage', () => {
  test('is detected at the end of the first sample that fails, and over at the end of the first that passes for good', () => {
    const samples = sampled(10_000, [...pass(5), ...fail(8), ...pass(2)]);
    expect(samples).toMatchObject({ timeToDetectMs: 5010, longestOutageMs: 8010, timeToRecoverMs: 3010 });
    expect(samples).not.toHaveProperty('failingSince');
  });

  test('that comes back is not over; the longest one counts', () => {
    const samples = sampled(12_000, [...fail(3), ...pass(1), ...fail(2), ...pass(3), 'fail', 'pass', 'fail']);
    expect(samples).toMatchObject({ longestOutageMs: 3010, failingSince: 23_000 });
    expect(samples).not.toHaveProperty('timeToRecoverMs');
  });

  test('that ends while the faults are in force needs no recovery', () => {
    expect(sampled(12_000, ['fail', ...pass(3)])).toMatchObject({ timeToRecoverMs: 0 });
  });

  test('is neither begun nor ended by a sample that could not be taken', () => {
    const samples = sampled(12_000, ['error', 'fail', 'error', 'error', 'pass', 'error']);
    expect(samples).toMatchObject({ timeToDetectMs: 3010, longestOutageMs: 3010, failure: 'error 5' });
  });

  test('of before the injection is none', () => {
    expect(sampled(8000, ['fail', 'pass'])).toMatchObject({ longestOutageMs: 0, before: { failed: 1 } });
  });
});

test('a series keeps at most 60 points, whose steps grow, and loses no sample', () => {
  const samples = sampled(0, [...pass(100), ...fail(100), ...pass(301)]);
  expect(samples.stepMs).toBe(16_000);
  expect(samples.series.length).toBeLessThanOrEqual(60);
  const sum = (key: 'passed' | 'failed'): number => samples.series.reduce((total, point) => total + point[key], 0);
  expect([sum('passed'), sum('failed')]).toEqual([401, 100]);
  expect(samples.series[0]).toEqual({ passed: 16, failed: 0, errors: 0, slowestMs: 10 });
  expect(samples.series[8]).toMatchObject({ failed: 16 });
});

describe('a tolerance', () => {
  const many = (passed: number, failed: number, errors = 0): ProbeSamples => {
    let samples = noSamples('web');
    const add = (outcome: Outcome, tookMs: number): void => {
      samples = withSample(samples, { outcome, begunAt: 13_000, tookMs, message: 'status 500' }, times);
    };
    for (let index = 0; index < passed; index++) add('pass', index < passed * 0.9 ? 10 : 200);
    for (let index = 0; index < failed; index++) add('fail', 5);
    for (let index = 0; index < errors; index++) add('error', 5);
    return samples;
  };

  test.each<[what: string, tolerance: Tolerance | undefined, samples: ProbeSamples, outcome: string, message: string]>([
    ['absent, of samples that all pass', undefined, many(50, 0), 'kept', 'web: 50 of 50 samples passed (100%)'],
    [
      'absent, of one sample that fails',
      undefined,
      many(999, 1),
      'exceeded',
      'web: 999 of 1,000 samples passed (99.9%), and 100% were to (status 500)',
    ],
    ['of a share that is just kept', { successRate: 99 }, many(99, 1), 'kept', 'web: 99 of 100 samples passed (99%)'],
    [
      'of a share that is just missed',
      { successRate: 99 },
      many(989, 11),
      'exceeded',
      'web: 989 of 1,000 samples passed (98.9%), and 99% were to (status 500)',
    ],
    [
      'of latencies: all of what is exceeded is told',
      { latency: { p50: 12, p95: 150 } },
      many(100, 0),
      'exceeded',
      'web: p95 200ms, and 150ms were allowed',
    ],
    [
      'of latencies that are kept',
      { latency: { p50: 12, p95: 300 } },
      many(100, 0),
      'kept',
      'web: p50 10ms, p95 200ms',
    ],
    [
      'of latencies, when none passed',
      { latency: { p95: 300 } },
      many(0, 3),
      'unknown',
      'web: no sample passed, so there is no p95',
    ],
    [
      'of any kind, when most could not be taken',
      { successRate: 1 },
      many(2, 2, 5),
      'unknown',
      'web: of 9 samples 4 could be taken: status 500',
    ],
    [
      'of any kind, when there are none',
      { successRate: 1 },
      many(0, 0),
      'unknown',
      'web: of 0 samples 0 could be taken',
    ],
    [
      'against a baseline of too few samples',
      { against: 'baseline' },
      many(200, 0),
      'unknown',
      'web: 0 samples passed, and 100 are needed to compare with the baseline',
    ],
  ])('%s', (_what, tolerance, samples, outcome, message) => {
    expect(judgeSamples({ tolerance }, samples)).toEqual({ outcome, message });
  });

  test('of outages, and of the time to recover', () => {
    const samples = sampled(12_000, [...pass(4), ...fail(6), ...pass(2)]);
    const judge = (tolerance: Tolerance): string => judgeSamples({ tolerance }, samples).message;
    expect(judge({ longestOutage: 7000 })).toBe('web: longest outage 6.01s');
    expect(judge({ longestOutage: 6000 })).toBe('web: longest outage 6.01s, and 6s were allowed (fail 9)');
    expect(judge({ timeToRecover: 3000 })).toBe('web: recovered after 2.01s');
    expect(judge({ timeToRecover: 1000 })).toBe('web: recovered after 2.01s, and 1s were allowed (fail 9)');
    const never = sampled(12_000, fail(12));
    expect(judgeSamples({ tolerance: { timeToRecover: 60_000 } }, never)).toEqual({
      outcome: 'exceeded',
      message: 'web: it did not recover, and 1m were allowed (fail 11)',
    });
    const fine = judgeSamples({ tolerance: { timeToRecover: 0 } }, sampled(12_000, pass(3)));
    expect(fine).toEqual({ outcome: 'kept', message: 'web: recovered after 0s' });
  });

  test('against a baseline says both', () => {
    const both = (during: number): ProbeSamples => {
      const before = sampled(-200_000, pass(120));
      return Array.from({ length: 120 }).reduce<ProbeSamples>(
        (samples) => withSample(samples, { outcome: 'pass', begunAt: 13_000, tookMs: during, message: '' }, times),
        before,
      );
    };
    expect(judgeSamples({ tolerance: { against: 'baseline' } }, both(10))).toEqual({
      outcome: 'kept',
      message: 'web: no slower than the baseline: p95 10ms, and 10ms before',
    });
    expect(judgeSamples({ tolerance: { against: 'baseline' } }, both(20))).toEqual({
      outcome: 'exceeded',
      message: 'web: slower than the baseline: p95 20ms, and 10ms before',
    });
  });
});
