/** Conditions: one of each type, and a time that moves only with the status. */
import { expect, test } from '@jest/globals';
import { findCondition, setCondition, type Condition } from './condition.ts';

const then = Date.UTC(2026, 0, 1, 10, 0, 0, 123);
const later = new Date(Date.UTC(2026, 0, 1, 11));
const ready = { type: 'Ready', status: 'False', reason: 'Starting', message: 'not yet' } as const;
const before: readonly Condition[] = [
  { type: 'Other', status: 'True', reason: 'Fine', message: '', lastTransitionTime: '2026-01-01T09:00:00Z' },
  { ...ready, lastTransitionTime: '2026-01-01T10:00:00Z' },
];

test('the first condition gets the time, in whole seconds', () => {
  expect(setCondition(undefined, ready, then)).toEqual([{ ...ready, lastTransitionTime: '2026-01-01T10:00:00Z' }]);
});

test('a new status moves the time, and the others stay', () => {
  const after = setCondition(before, { ...ready, status: 'True' }, later);
  expect(after).toEqual([before[0], { ...ready, status: 'True', lastTransitionTime: '2026-01-01T11:00:00Z' }]);
});

test('a new reason or message does not move the time', () => {
  const after = setCondition(before, { ...ready, reason: 'Waiting', message: 'soon' }, later);
  expect(findCondition(after, 'Ready')).toMatchObject({
    reason: 'Waiting',
    message: 'soon',
    lastTransitionTime: '2026-01-01T10:00:00Z',
  });
});

test('nothing new is the same array, so that nothing need be written', () => {
  expect(setCondition(before, ready, later)).toBe(before);
  expect(setCondition(before, { ...ready, observedGeneration: 2 }, later)).not.toBe(before);
});
