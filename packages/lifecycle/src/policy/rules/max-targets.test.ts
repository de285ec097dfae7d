/** No more targets at the same time, those of others included. */
import { expect, test } from '@jest/globals';
import { said, targetsOf } from '../../../test/policies.ts';

const other = (name: string, count: number) => ({ name, covered: () => count });

test.each<[string, number, readonly string[], readonly ReturnType<typeof other>[], readonly string[]]>([
  ['as many as are allowed', 2, ['web-1', 'web-2'], [], []],
  ['one more', 1, ['web-1', 'web-2'], [], ['2 targets at the same time would be more than 1: 2 of this experiment']],
  ['none at all', 0, ['web-1'], [], ['1 target at the same time would be more than 0: 1 of this experiment']],
  ['with one of another', 2, ['web-1'], [other('shop/a', 1)], []],
  [
    'with two of another',
    2,
    ['web-1'],
    [other('shop/a', 2)],
    ['3 targets at the same time would be more than 2: 1 of this experiment, 2 of shop/a'],
  ],
  [
    'with those of several others, of which some are none of the scope',
    2,
    ['web-1'],
    [other('cart/x', 0), other('shop/a', 1), other('shop/b', 1)],
    ['3 targets at the same time would be more than 2: 1 of this experiment, 2 of shop/a and 1 other'],
  ],
  [
    'nodes count as well',
    1,
    ['n1', 'n2'],
    [],
    ['2 targets at the same time would be more than 1: 2 of this experiment'],
  ],
])('%s', (_what, maxTargets, names, others, expected) => {
  const request = { targets: targetsOf(...names) };
  const told = expected.map((message) => `maxTargets: ${message}`);
  expect(said({ targetLimits: { maxTargets } }, request, { others })).toEqual(told);
});
