/** Which policies are about an experiment, and what is said where that cannot be told. */
import { describe, expect, test } from '@jest/globals';
import { ChaosError } from '@chaosplane/common';
import { readPolicy } from '@chaosplane/api';
import { clusterOf, policyOf, requestOf, said, targetsOf } from '../../test/policies.ts';
import { judge } from './chain.ts';
import { toldOf } from './finding.ts';
import { covered } from './scope.ts';

const names = (scope: object, ...targets: readonly string[]): readonly string[] =>
  covered(policyOf({ scope }).spec.scope, requestOf({ targets: targetsOf(...targets) }), clusterOf()).map(
    ({ name }) => name,
  );

const spot = { labelSelector: { matchLabels: { pool: 'spot' } } };

describe('the scope', () => {
  test.each<[string, object, readonly string[], readonly string[]]>([
    ['nothing in it', {}, ['web-1', 'dns', 'n1'], ['web-1', 'dns', 'n1']],
    ['namespaces', { namespaces: ['shop'] }, ['web-1', 'dns'], ['web-1']],
    ['namespaces, with the nodes of their pods', { namespaces: ['kube-system'] }, ['n1', 'n2'], ['n1']],
    ['labels of namespaces', { namespaceSelector: { matchLabels: { team: 'b' } } }, ['web-1', 'dns'], ['web-1']],
    ['both', { namespaces: ['shop'], namespaceSelector: { matchLabels: { team: 'c' } } }, ['web-1'], []],
    ['labels of pods', { labelSelector: { matchLabels: { tier: 'gold' } } }, ['web-1', 'db-0'], ['db-0']],
    ['labels of nodes', spot, ['n1', 'n3', 'web-1'], ['n1']],
    ['labels of pods on a node', { labelSelector: { matchLabels: { tier: 'gold' } } }, ['n2', 'n3'], ['n2']],
    ['the action', { actions: ['network-delay'] }, ['web-1'], ['web-1']],
    ['another action', { actions: ['pod-kill'] }, ['web-1'], []],
  ])('%s', (_what, scope, targets, expected) => {
    expect(names(scope, ...targets)).toEqual(expected);
  });

  test('a pod or a namespace of which nothing is known is in it', () => {
    const gone = { namespace: 'shop', name: 'gone', uid: 'gone' };
    const of = (scope: object, namespace = 'shop') =>
      covered(policyOf({ scope }).spec.scope, { action: 'pod-kill', targets: [{ ...gone, namespace }] }, clusterOf());
    expect(of({ labelSelector: { matchLabels: { tier: 'gold' } } })).toHaveLength(1);
    expect(of({ namespaceSelector: { matchLabels: { team: 'b' } } }, 'new')).toHaveLength(1);
    expect(of({ namespaces: ['cart'] })).toEqual([]);
  });
});

test('every policy is asked, and each finding names it, its rule, the number and what tipped it', () => {
  const findings = judge(
    [
      policyOf({ targetLimits: { maxTargets: 0 } }, 'one'),
      policyOf({ enforcement: 'Audit', actionLimits: { maxDuration: '1s' } }, 'two'),
      policyOf({ scope: { namespaces: ['cart'] }, halt: true }, 'elsewhere'),
    ],
    requestOf(),
    clusterOf(),
    0,
  );
  expect(findings.map(({ enforcement }) => enforcement)).toEqual(['Enforce', 'Audit']);
  expect(toldOf(findings)).toBe(
    'policy one, rule maxTargets: 1 target at the same time would be more than 0: 1 of this experiment; ' +
      'policy two, rule maxDuration: a duration of 1m is longer than 1s',
  );
});

test('many findings are cut short', () => {
  const policies = Array.from({ length: 8 }, (_, index) => policyOf({ halt: true }, `p${index}`));
  expect(toldOf(judge(policies, requestOf(), clusterOf(), 0))).toMatch(/policy p4, [^;]*;[^;]*; and 3 more findings$/);
});

describe('what cannot be told is a finding', () => {
  const broken = (spec: object) =>
    readPolicy({
      ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'BlastRadiusPolicy' },
      ...{ metadata: { name: 'old' }, spec },
    });
  const unknown = (): never => {
    throw new ChaosError('UNAVAILABLE', 'the pods are not known yet');
  };

  test.each([
    ['of a policy that cannot be understood', { surprise: 1 }, ['web-1'], 1],
    ['in its scope', { surprise: 1, scope: { namespaces: ['shop'] } }, ['web-1'], 1],
    ['not beyond its scope', { surprise: 1, scope: { namespaces: ['shop'] } }, ['dns'], 0],
    ['everywhere, when its scope cannot be read', { scope: { namespaces: ['Shop'] } }, ['dns'], 1],
  ])('%s', (_what, spec, targets, count) => {
    const told = said(broken(spec), { targets: targetsOf(...targets) });
    const message =
      /^valid: it cannot be understood, so nothing in its scope is allowed: the policy is not valid: spec/;
    expect(told).toEqual(Array(count).fill(expect.stringMatching(message)));
  });

  test('of a cluster that is not known', () => {
    const facts = { pod: unknown };
    expect(said({ targetLimits: { maxTargets: 9, minAvailable: 0 } }, {}, { facts })).toEqual([
      'minAvailable: it cannot be judged: the pods are not known yet',
    ]);
    expect(said({ scope: { labelSelector: {} }, halt: true }, {}, { facts })).toEqual([
      'scope: whether the experiment is in its scope cannot be told: the pods are not known yet',
    ]);
  });

  test('of a time zone that this machine does not know', () => {
    const policy = policyOf({ timeWindows: { blocked: [{ from: '01:00' }] } });
    const blocked = policy.spec.timeWindows.blocked.map((window) => ({ ...window, timeZone: 'Mars/Olympus' }));
    const spec = { ...policy.spec, timeWindows: { blocked } };
    expect(said({ ...policy, spec })).toEqual([
      expect.stringMatching(/^timeWindows: it cannot be judged: .*Mars.Olympus/),
    ]);
  });
});
