/** How long experiments take: what is counted, and what is not. */
import { beforeEach, expect, test } from '@jest/globals';
import { initialStatus, type ExperimentObject, type ExperimentStatus, type TargetState } from '@chaosplane/api';
import type { Change } from '@chaosplane/kube';
import { createTimings, type Timings } from './timings.ts';

let now: number;
let told: string[];
let timings: Timings;
let change: (change: Change<ExperimentObject>) => void;

const object = (status?: ExperimentObject['status']): ExperimentObject =>
  ({ apiVersion: '', kind: '', metadata: { name: 'slow', uid: 'u1' }, spec: {}, status }) as ExperimentObject;

const status = (state: TargetState, more: Partial<ExperimentStatus> = {}): ExperimentStatus => ({
  ...{ ...initialStatus, phase: 'Running' },
  targets: [{ namespace: 'shop', name: 'web', uid: 'p1', executionId: 'x', state }],
  ...more,
});

beforeEach(() => {
  now = 1000;
  told = [];
  timings = createTimings({
    clock: { now: () => now },
    experiments: {
      onChange: (listener) => {
        change = listener;
        return () => undefined;
      },
    },
    metrics: {
      effective: (seconds) => void told.push(`effect ${seconds}`),
      clean: (seconds) => void told.push(`clean ${seconds}`),
    },
  });
});

test('an experiment that was seen from its beginning has its effect, and is clean again, each once', () => {
  change({ type: 'added', object: object() });
  timings.note('u1', status('Selected'), status('Injected'));
  const effective = status('Injected', { effectiveAt: 1250 });
  timings.note('u1', status('Injected'), effective);
  timings.note('u1', effective, effective);
  const recovering = status('Injected', { effectiveAt: 1250, phase: 'Recovering', recoveringAt: 4000 });
  now = 4100;
  timings.note('u1', recovering, { ...status('Recovered', recovering), targets: status('Recovered').targets });
  expect(told).toEqual(['effect 0.25', 'clean 0.1']);
});

test('one that runs already when this operator comes has no time to its effect', () => {
  change({ type: 'added', object: object({ phase: 'Running' }) });
  timings.note('u1', status('Injected'), status('Injected', { effectiveAt: 1250 }));
  expect(told).toEqual([]);
});

test('neither has one of which no target could be injected, nor one that is gone', () => {
  change({ type: 'added', object: object() });
  const missed = {
    ...status('Missed'),
    targets: [{ namespace: 'shop', name: 'web', uid: 'p1', state: 'Missed' as const }],
  };
  timings.note('u1', missed, { ...missed, effectiveAt: 1250 });
  change({ type: 'added', object: object() });
  change({ type: 'deleted', object: object() });
  timings.note('u1', status('Injected'), status('Injected', { effectiveAt: 1250 }));
  expect(told).toEqual([]);
});

test('a one-shot that ends by itself was not cancelled', () => {
  timings.note('u1', status('Injected'), status('Recovered'));
  expect(told).toEqual([]);
});
