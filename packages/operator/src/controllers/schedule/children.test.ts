/** What a schedule takes an experiment or a workflow for. */
import { describe, expect, test } from '@jest/globals';
import { SCHEDULED_FOR_ANNOTATION, scheduleOwner, type RunKind } from '@chaosplane/api';
import { childRunOf, objectOf, stateOf, type RunObject } from './children.ts';

const schedule = {
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosSchedule',
  metadata: { name: 'nightly', namespace: 'shop', uid: 'u-1' },
  spec: { schedule: '@daily', experiment: { duration: '10s' }, workflow: { deadline: '10m' } },
};
const at = Date.parse('2026-11-30T02:30:00Z');
const run = (kind: RunKind) => ({ kind, name: 'nightly-29933430', scheduledFor: at });

const made = (change: object = {}, metadata: object = {}, kind: RunKind = 'ChaosExperiment'): RunObject => {
  const { metadata: own, ...rest } = objectOf(schedule, run(kind));
  return { kind, ...rest, ...change, metadata: { ...own, uid: 'u-2', ...metadata } } as unknown as RunObject;
};

test.each<[RunKind, object]>([
  ['ChaosExperiment', { duration: '10s' }],
  ['ChaosWorkflow', { deadline: '10m' }],
])('the %s of a run has the spec of the schedule, and is its child', (kind, spec) => {
  const object = made({}, {}, kind);
  expect(object.spec).toEqual(spec);
  expect(childRunOf(object, 'u-1')).toEqual({
    ...{ kind, name: 'nightly-29933430', uid: 'u-2', scheduledFor: at },
    ...{ state: 'running', isDeleted: false },
  });
});

test.each<[what: string, metadata: object]>([
  [
    'one of another schedule of that name',
    { ownerReferences: [scheduleOwner({ metadata: { name: 'nightly', uid: 'u-9' } })] },
  ],
  ['one that it owns beside its controller', { ownerReferences: [{ ...scheduleOwner(schedule), controller: false }] }],
  ['one with another time than its name says', { annotations: { [SCHEDULED_FOR_ANNOTATION]: '2036-01-01T00:00:00Z' } }],
  ['one without a time', { annotations: {} }],
])('%s is no child', (_what, metadata) => {
  expect(childRunOf(made({}, metadata), 'u-1')).toBeUndefined();
});

describe('where it stands', () => {
  const aborted = { annotations: { 'chaosplane.io/abort': 'true' } };

  test.each<[state: string, status: object | undefined, metadata: object]>([
    ['running', undefined, {}],
    ['running', { phase: 'Recovering' }, {}],
    ['running', { phase: 'Exiting', verdict: 'NotHeld' }, {}],
    ['ending', { phase: 'Running' }, aborted],
    ['ending', { phase: 'Running' }, { deletionTimestamp: '2026-11-30T02:31:00Z' }],
    ['succeeded', { phase: 'Completed', verdict: 'Held' }, {}],
    ['succeeded', { phase: 'Completed', verdict: 'Inconclusive' }, {}],
    ['failed', { phase: 'Completed', verdict: 'NotHeld' }, {}],
    ['failed', { phase: 'Failed' }, {}],
    ['failed', { phase: 'Aborted' }, aborted],
  ])('%s: %j', (state, status, metadata) => {
    expect(stateOf(made({ status }, metadata))).toBe(state);
  });
});
