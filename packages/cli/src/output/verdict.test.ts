import { describe, expect, test } from '@jest/globals';
import { initialStatus, type ExperimentCondition, type ExperimentStatus } from '@chaosplane/api';
import { exitCodeOf, worstOf } from './verdict.ts';

type Held = Extract<ExperimentCondition, { readonly type: 'HypothesisHeld' }>;

const ended = (verdict: ExperimentStatus['verdict'], reason: Held['reason']): ExperimentStatus => ({
  ...initialStatus,
  phase: 'Completed',
  ...(verdict === undefined ? {} : { verdict }),
  conditions: [{ type: 'HypothesisHeld', status: 'Unknown', reason, message: '' }],
});

describe('an exit code', () => {
  test.each<[ExperimentStatus['verdict'], Held['reason'], number]>([
    ['Held', 'SteadyStateKept', 0],
    ['Inconclusive', 'NoHypothesis', 0],
    ['NotHeld', 'SteadyStateLost', 1],
    ['NotHeld', 'EffectNotObserved', 1],
    ['Inconclusive', 'NotRun', 2],
    ['Inconclusive', 'NoTraffic', 3],
    ['Inconclusive', 'EffectNotMeasured', 3],
    ['Inconclusive', 'EffectInterrupted', 3],
    ['Inconclusive', 'NoValidSample', 3],
    ['Inconclusive', 'EndedEarly', 3],
    ['Inconclusive', 'Aborted', 3],
  ])('of %s because of %s is %d', (verdict, reason, code) => {
    expect(exitCodeOf(ended(verdict, reason))).toBe(code);
  });

  test('of a dry run says whether every target could be hit', () => {
    expect(exitCodeOf({ ...initialStatus, phase: 'Completed' })).toBe(0);
    expect(exitCodeOf({ ...initialStatus, phase: 'Failed' })).toBe(2);
  });

  test('of several experiments is that of the one that tells most', () => {
    expect(worstOf([0, 3, 2, 1, 0])).toBe(1);
    expect(worstOf([0, 3, 2])).toBe(2);
    expect(worstOf([0, 3])).toBe(3);
    expect(worstOf([0, 0])).toBe(0);
    expect(worstOf([])).toBe(0);
  });
});
