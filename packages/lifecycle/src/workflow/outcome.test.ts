/** What an experiment makes of its step, and steps of their workflow. */
import { describe, expect, test } from '@jest/globals';
import { initialStatus, type ExperimentStatus, type Verdict } from '@chaosplane/api';
import { graphOf } from './graph.ts';
import { seenExperimentOf, workflowVerdict } from './outcome.ts';

const ended = (phase: 'Completed' | 'Failed' | 'Aborted', verdict: Verdict): ExperimentStatus => ({
  ...initialStatus,
  ...{ phase, verdict, outcome: { phase, message: 'as told' } },
});

describe('a step counts as failed', () => {
  test.each([
    ['Completed', 'Held', false],
    ['Completed', 'Inconclusive', false],
    ['Completed', 'NotHeld', true],
    ['Failed', 'Held', true],
    ['Failed', 'Inconclusive', true],
    ['Failed', 'NotHeld', true],
    ['Aborted', 'Held', true],
    ['Aborted', 'Inconclusive', true],
    ['Aborted', 'NotHeld', true],
  ] as const)('of an experiment that is %s and %s: %j', (phase, verdict, failed) => {
    expect(seenExperimentOf(ended(phase, verdict))).toMatchObject({
      ...{ state: 'over', failed, wasEnded: phase === 'Aborted', message: 'as told', result: { verdict } },
    });
  });
});

test('an experiment that is not over says nothing of its step', () => {
  expect(seenExperimentOf({ ...initialStatus, phase: 'Running', verdict: 'Held' })).toEqual({ state: 'under way' });
});

test('the verdict of a workflow is the worst of its steps, also of one whose failure did not end it', () => {
  const hit = (name: string) => ({
    ...{ name, dependencies: [], onError: { strategy: 'continue' } as const },
    ...{ kind: 'experiment' as const, experiment: {} as never, document: {} },
  });
  const graph = graphOf([hit('a'), hit('b'), hit('c')], []);
  const verdictOf = (...verdicts: readonly Verdict[]) =>
    workflowVerdict(graph, {
      phase: 'Completed',
      nodes: new Map(
        verdicts.map((verdict, index) => ['abc'[index] ?? '', { phase: 'Succeeded', attempt: 1, result: { verdict } }]),
      ),
    });
  expect(verdictOf('Held', 'NotHeld', 'Inconclusive')).toBe('NotHeld');
  expect(verdictOf('Held', 'Inconclusive', 'Held')).toBe('Inconclusive');
  expect(verdictOf('Held', 'Held')).toBe('Held');
  expect(verdictOf()).toBeUndefined();
});
