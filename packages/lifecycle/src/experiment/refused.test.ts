/** What is decided for an experiment that is refused, or that cannot be understood. */
import { initialStatus, isFinal, type ExperimentStatus, type TargetStatus } from '@chaosplane/api';
import { expect, test } from '@jest/globals';
import { decide } from './decide.ts';
import type { Observation, ObservedExecution } from './observation.ts';

const target: TargetStatus = { namespace: 'shop', name: 'a', uid: 'u', state: 'Injected', executionId: 'x' };

const observation = (status: ExperimentStatus, change: Partial<Observation>): Observation => ({
  ...{ spec: undefined, status, candidates: [], seed: 1, executions: new Map(), abort: 'spec: it is required' },
  ...change,
});

test('nothing of it is begun, and the reason is told', () => {
  const refusal = { reason: 'InvalidSpec', message: 'spec: it is required' } as const;
  expect(decide(observation(initialStatus, { refusal }), 7)).toEqual({
    kind: 'advance',
    status: {
      phase: 'Failed',
      targets: [],
      endedAt: 7,
      outcome: { phase: 'Failed', message: 'spec: it is required' },
      verdict: 'Inconclusive',
      conditions: [
        { type: 'Selected', status: 'False', reason: 'InvalidSpec', message: 'spec: it is required' },
        { type: 'HypothesisHeld', status: 'Unknown', reason: 'NotRun', message: 'spec: it is required' },
        { type: 'Failed', status: 'True', reason: 'Failed', message: 'spec: it is required' },
      ],
    },
  });
});

test('what runs already is recovered to the end, regardless of its spec', () => {
  let status: ExperimentStatus = { ...initialStatus, phase: 'Running', effectiveAt: 0, targets: [target] };
  const executions = new Map<string, ObservedExecution>([['x', { live: true }]]);
  const cancelled: string[] = [];
  for (let steps = 0; !isFinal(status) && steps < 20; steps++) {
    const decision = decide(observation(status, { executions }), steps);
    if (decision.kind === 'advance') status = decision.status;
    if (decision.kind !== 'cancel') continue;
    cancelled.push(...decision.executionIds);
    executions.set('x', { live: false });
  }
  expect(cancelled).toEqual(['x']);
  expect(status).toMatchObject({ phase: 'Aborted', outcome: { message: 'spec: it is required' } });
});
