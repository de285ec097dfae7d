/** The kill switch stops what is in its scope, and only that. */
import { expect, test } from '@jest/globals';
import { judge } from '../chain.ts';
import { clusterOf, policyOf, requestOf, said, targetsOf } from '../../../test/policies.ts';

const message = 'halt: halt is true, and 1 target of the experiment would be hit; nothing begins until it is false';

test.each<[string, object, readonly string[], readonly string[]]>([
  ['stops everything', { halt: true }, ['web-1'], [message]],
  ['nothing when it is off', { halt: false }, ['web-1'], []],
  ['counts what it stops', { halt: true }, ['web-1', 'n1'], [message.replace('1 target', '2 targets')]],
  ['stops what is in its scope', { halt: true, scope: { namespaces: ['shop'] } }, ['web-1', 'dns'], [message]],
  ['nothing outside of its scope', { halt: true, scope: { namespaces: ['shop'] } }, ['dns'], []],
])('%s', (_what, spec, names, expected) => {
  for (const begins of [true, false]) expect(said(spec, { begins, targets: targetsOf(...names) })).toEqual(expected);
});

test('it is no kill switch that only tells, so a policy that audits enforces it all the same', () => {
  const policy = policyOf({ halt: true, enforcement: 'Audit', targetLimits: { maxTargets: 0 } });
  const findings = judge([policy], requestOf(), clusterOf(), 0);
  expect(findings.map(({ rule, enforcement }) => [rule, enforcement])).toEqual([
    ['halt', 'Enforce'],
    ['maxTargets', 'Audit'],
  ]);
});
