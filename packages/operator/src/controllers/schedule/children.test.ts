/** What a schedule takes an experiment for. */
import { describe, expect, test } from '@jest/globals';
import { SCHEDULED_FOR_ANNOTATION, scheduleOwner, type ExperimentObject } from '@chaosplane/api';
import { childRunOf, experimentOf, stateOf } from './children.ts';

const schedule = {
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosSchedule',
  metadata: { name: 'nightly', namespace: 'shop', uid: 'u-1' },
  spec: { schedule: '@daily', experiment: { duration: '10s' } },
};
const at = Date.parse('2026-11-30T02:30:00Z');
const run = { name: 'nightly-29933430', scheduledFor: at };

const made = (change: object = {}, metadata: object = {}): ExperimentObject => {
  const { metadata: own, ...rest } = experimentOf(schedule, run);
  return { ...rest, ...change, metadata: { ...own, uid: 'u-2', ...metadata } } as unknown as ExperimentObject;
};

test('the experiment of a run has the spec of the schedule, and is its child', () => {
  expect(made().spec).toEqual({ duration: '10s' });
  expect(childRunOf(made(), 'u-1')).toEqual({
    ...{ name: 'nightly-29933430', uid: 'u-2', scheduledFor: at },
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
