/** Which executions are the operator's, and which of them have no experiment any more. */
import { expect, test } from '@jest/globals';
import type { ExperimentObject } from '@chaosplane/api';
import { answersFor, ownerOf, ownerOfId } from './orphans.ts';

const own = { experimentId: 'shop/slow/u1', idempotencyKey: 'shop/slow/u1/pod-uid', operatorEpoch: 1_764_000_000_000n };

test('an execution names the experiment that the operator asked for it for', () => {
  expect(ownerOf(own)).toEqual({ ref: { namespace: 'shop', name: 'slow' }, uid: 'u1' });
});

test.each([
  ['without an epoch, as from the CLI', { operatorEpoch: 0n }],
  ['without a key', { idempotencyKey: '' }],
  ['with a key of its own', { idempotencyKey: 'mine' }],
  ['of an experiment that is called otherwise', { experimentId: 'by-hand', idempotencyKey: 'by-hand/x' }],
  ['of an experiment with more parts', { experimentId: 'a/b/c/d', idempotencyKey: 'a/b/c/d/x' }],
  ['of an experiment with an empty part', { experimentId: 'shop//u1', idempotencyKey: 'shop//u1/x' }],
])('one %s is not touched', (_what, change) => {
  expect(ownerOf({ ...own, ...change })).toBeUndefined();
});

test('what a node is marked with names its experiment in the same way', () => {
  expect(ownerOfId('shop/slow/u1')).toEqual({ ref: { namespace: 'shop', name: 'slow' }, uid: 'u1' });
  expect(ownerOfId('others')).toBeUndefined();
});

const object = (change: { uid?: string; phase?: string; spec?: object }): ExperimentObject => ({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosExperiment',
  metadata: { namespace: 'shop', name: 'slow', uid: change.uid ?? 'u1' },
  spec: change.spec ?? {},
  ...(change.phase === undefined ? {} : { status: { phase: change.phase as 'Running' } }),
});

test.each([
  ['that is gone', undefined, false],
  ['that is another one of its name', object({ uid: 'u2', phase: 'Running' }), false],
  ['that was just created', object({}), true],
  ['that runs', object({ phase: 'Running' }), true],
  ['that recovers', object({ phase: 'Recovering' }), true],
  ['that is over', object({ phase: 'Aborted' }), false],
  [
    'that is over and leaves the end to the TTL',
    object({ phase: 'Completed', spec: { rollback: { enabled: false } } }),
    true,
  ],
])('an experiment %s answers for its executions: %#', (_what, found, expected) => {
  expect(answersFor(found, { ref: { namespace: 'shop', name: 'slow' }, uid: 'u1' })).toBe(expected);
});
