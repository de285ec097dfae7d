/** Which actions, for how long. */
import { expect, test } from '@jest/globals';
import { said } from '../../../test/policies.ts';

test.each<[string, object, object, readonly string[]]>([
  ['an action that is allowed', { allowedActions: ['network-delay'] }, {}, []],
  [
    'one that is not',
    { allowedActions: ['network-loss', 'pod-kill'] },
    {},
    ['allowedActions: network-delay is none of the allowed actions: network-loss, pod-kill'],
  ],
  ['an alias means the action', { allowedActions: ['node-cpu-stress'] }, { action: 'stress-cpu' }, []],
  ['a duration of that length', { maxDuration: '60s' }, {}, []],
  ['a longer one', { maxDuration: '59s' }, {}, ['maxDuration: a duration of 1m is longer than 59s']],
])('%s', (_what, actionLimits, request, expected) => {
  for (const begins of [true, false]) expect(said({ actionLimits }, { begins, ...request })).toEqual(expected);
});
