import { expect, test } from '@jest/globals';
import { noSamples, withSample, type Sample } from '@chaosplane/lifecycle';
import { baselineProgress, sampleLines } from './samples.ts';

const times = { startedAt: 2000, effectiveAt: 2000, recoveringAt: 7000 };
const outcomes: readonly Sample['outcome'][] = ['pass', 'pass', 'pass', 'fail', 'fail', 'error', 'pass', 'pass'];
const samples = outcomes.reduce(
  (known, outcome, index) => withSample(known, { outcome, begunAt: index * 1000, tookMs: 20, message: '' }, times),
  noSamples('web'),
);

test('what was sampled is a line: what passed when, and what was measured', () => {
  expect(sampleLines({ samples: [samples] })).toEqual([
    '  web  ▁▁▁██?▁▁  2 of 4 samples passed with the faults in force, 1 could not be taken, p95 20ms, ' +
      'first failure after 1.02s, longest outage 3.02s, recovered after 0s',
  ]);
  expect(sampleLines({})).toEqual([]);
});

test('samples before the faults are told in tens, and only then', () => {
  const before = Array.from({ length: 27 }).reduce<typeof samples>(
    (known) => withSample(known, { outcome: 'pass', begunAt: 0, tookMs: 1, message: '' }, {}),
    noSamples('web'),
  );
  expect(baselineProgress({ phase: 'SteadyStateChecking', samples: [before] })).toBe(', 20 samples before the faults');
  expect(baselineProgress({ phase: 'Running', samples: [before] })).toBe('');
  expect(baselineProgress({ phase: 'SteadyStateChecking' })).toBe('');
});
