/** Policies that are refused, with every problem and what is allowed; and what is known of one that cannot be understood. */
import { ChaosError, type Problem } from '@chaosplane/common/pure';
import { describe, expect, test } from '@jest/globals';
import { builtInProtection, parsePolicy, readPolicy } from './parse.ts';

const document = (spec: object, change: object = {}) => ({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'BlastRadiusPolicy',
  metadata: { name: 'shop' },
  spec,
  ...change,
});

function problemsOf(given: unknown): readonly Problem[] {
  try {
    parsePolicy(given);
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems;
  }
}

const NAMESPACE = 'lower-case letters, digits and -, beginning and ending with a letter or digit, at most 63 long';
const TIME = 'hours and minutes in quotes, from 00:00 to 24:00, such as "09:30"';
const LIMIT = 'a whole number such as 2, or a percentage such as 30%';
const ZONE = 'a name such as Europe/Berlin, America/New_York or UTC';
const SPEC = 'enforcement, halt, scope, targetLimits, protectedResources, actionLimits, timeWindows';
const SCOPE = 'namespaces, namespaceSelector, labelSelector, actions';

describe('of a policy', () => {
  test.each<readonly [spec: object, path: string, wrong: string, allowed: string | RegExp]>([
    [{ enforcement: 'Warn' }, 'spec.enforcement', '"Warn" is not known', 'Enforce, Audit'],
    [{ enforcement: 'enforce' }, 'spec.enforcement', '"enforce" is not known', 'Enforce, Audit'],
    [{ halt: 'yes' }, 'spec.halt', 'it is a text', 'true or false'],
    [{ halted: true }, 'spec', '"halted" is not known here; did you mean halt?', SPEC],
    [{ targetLimit: {} }, 'spec', '"targetLimit" is not known here; did you mean targetLimits?', SPEC],
    [{ maxTargets: 3 }, 'spec', '"maxTargets" is not known here; did you mean targetLimits.maxTargets?', SPEC],
    [
      { allowedActions: [] },
      'spec',
      '"allowedActions" is not known here; did you mean actionLimits.allowedActions?',
      SPEC,
    ],
    [
      { scope: { namespace: ['shop'] } },
      'spec.scope',
      '"namespace" is not known here; did you mean namespaces?',
      SCOPE,
    ],
    [{ scope: { namespaces: 'shop' } }, 'spec.scope.namespaces', 'it is a text', 'a list'],
    [{ scope: { namespaces: [] } }, 'spec.scope.namespaces', 'it is empty', 'at least 1 item, or leave it out'],
    [
      { scope: { namespaces: ['Team-B'] } },
      'spec.scope.namespaces.0',
      '"Team-B" is not the name of a namespace',
      NAMESPACE,
    ],
    [
      { scope: { namespaces: [' team-b '] } },
      'spec.scope.namespaces.0',
      '" team-b " is not the name of a namespace',
      NAMESPACE,
    ],
    [
      { scope: { namespaces: ['team-*'] } },
      'spec.scope.namespaces.0',
      '"team-*" is not the name of a namespace',
      NAMESPACE,
    ],
    [
      { scope: { namespaces: [null] } },
      'spec.scope.namespaces.0',
      'it has no value: give it one, or leave it out',
      'a text',
    ],
    [
      { scope: { actions: ['network-dely'] } },
      'spec.scope.actions.0',
      '"network-dely" is not an action; did you mean network-delay?',
      /network-delay, /,
    ],
    [{ scope: { actions: [''] } }, 'spec.scope.actions.0', 'it is empty', 'at least 1 character'],
    [
      { scope: { labelSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } } },
      'spec.scope.labelSelector.matchExpressions.0.values',
      'In needs values',
      'one value or more, or the operator Exists or DoesNotExist',
    ],
    [{ targetLimits: { maxTargets: -1 } }, 'spec.targetLimits.maxTargets', 'it is too little', 'at least 0'],
    [{ targetLimits: { maxTargets: '3' } }, 'spec.targetLimits.maxTargets', 'it is a text', 'a number'],
    [
      { targetLimits: { maxTargets: 1.5 } },
      'spec.targetLimits.maxTargets',
      '1.5 is not a whole number',
      'a whole number',
    ],
    [{ targetLimits: { maxPercentage: 101 } }, 'spec.targetLimits.maxPercentage', 'it is too much', 'at most 100'],
    [{ targetLimits: { maxPercentage: '30%' } }, 'spec.targetLimits.maxPercentage', 'it is a text', 'a number'],
    [{ targetLimits: { minAvailable: -1 } }, 'spec.targetLimits.minAvailable', '-1 is no number of pods', LIMIT],
    [{ targetLimits: { minAvailable: '2' } }, 'spec.targetLimits.minAvailable', '"2" is no number of pods', LIMIT],
    [
      { targetLimits: { minAvailable: '101%' } },
      'spec.targetLimits.minAvailable',
      '"101%" is no number of pods',
      LIMIT,
    ],
    [
      { targetLimits: { maxUnavailable: 'half' } },
      'spec.targetLimits.maxUnavailable',
      '"half" is no number of pods',
      LIMIT,
    ],
    [
      { targetLimits: { maxUnavailable: true } },
      'spec.targetLimits.maxUnavailable',
      'it is none of what is taken here',
      'see docs/policies.md',
    ],
    [
      { protectedResources: [{ kind: 'Service' }] },
      'spec.protectedResources.0.kind',
      '"Service" is not known',
      'Pod, Node, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job',
    ],
    [
      { protectedResources: [{ kind: 'Node', namespaces: ['shop'] }] },
      'spec.protectedResources.0.namespaces',
      'nodes have no namespace',
      'nothing here',
    ],
    [
      { protectedResources: [{ name: ['a'] }] },
      'spec.protectedResources.0',
      '"name" is not known here; did you mean names?',
      'kind, namespaces, namespaceSelector, labelSelector, names, includeNodes',
    ],
    [{ protectedResources: {} }, 'spec.protectedResources', 'it is a map', 'a list'],
    [
      { actionLimits: { allowedActions: ['stress'] } },
      'spec.actionLimits.allowedActions.0',
      expect.stringMatching(/^"stress" is not an action/) as unknown as string,
      /network-delay, /,
    ],
    [
      { actionLimits: { maxDuration: 10 } },
      'spec.actionLimits.maxDuration',
      '"10" has no unit',
      'a duration such as 100ms, 0.5s or 1m30s (units h, m, s, ms, us, longest first)',
    ],
    [
      { actionLimits: { maxDuration: '0s' } },
      'spec.actionLimits.maxDuration',
      'it is no time at all',
      'a duration longer than 0',
    ],
    [{ timeWindows: { allowed: [] } }, 'spec.timeWindows.allowed', 'it is empty', 'at least 1 item, or leave it out'],
    [{ timeWindows: { allowed: [{ from: '9:00' }] } }, 'spec.timeWindows.allowed.0.from', '"9:00" is not a time', TIME],
    [{ timeWindows: { blocked: [{ to: '24:01' }] } }, 'spec.timeWindows.blocked.0.to', '"24:01" is not a time', TIME],
    [{ timeWindows: { blocked: [{ from: 540 }] } }, 'spec.timeWindows.blocked.0.from', 'it is a number', 'a text'],
    [
      { timeWindows: { blocked: [{ from: '09:00', to: '09:00' }] } },
      'spec.timeWindows.blocked.0.to',
      'it is no time at all',
      'two times; from 00:00 to 24:00 is the whole day',
    ],
    [
      { timeWindows: { blocked: [{ from: '24:00', to: '01:00' }] } },
      'spec.timeWindows.blocked.0.from',
      'a day has ended then',
      '00:00',
    ],
    [
      { timeWindows: { blocked: [{ days: ['Monday'] }] } },
      'spec.timeWindows.blocked.0.days.0',
      '"Monday" is not known',
      'Sun, Mon, Tue, Wed, Thu, Fri, Sat',
    ],
    [
      { timeWindows: { blocked: [{ timeZone: 'Europe/Berlni' }] } },
      'spec.timeWindows.blocked.0.timeZone',
      '"Europe/Berlni" is not a time zone; did you mean Europe/Berlin?',
      ZONE,
    ],
    [
      { timeWindows: { blocked: [{ timeZone: '+01:00' }] } },
      'spec.timeWindows.blocked.0.timeZone',
      '"+01:00" is not a time zone',
      ZONE,
    ],
  ])('%j is refused at %s: %s', (spec, path, wrong, allowed) => {
    const expected = typeof allowed === 'string' ? allowed : expect.stringMatching(allowed);
    expect(problemsOf(document(spec))).toEqual([{ path, wrong, allowed: expected }]);
  });

  test.each<readonly [change: object, path: string, wrong: string]>([
    [{ spec: undefined }, 'spec', 'it is required'],
    [{ spec: null }, 'spec', 'it has no value: give it one, or leave it out'],
    [{ kind: 'Policy' }, 'kind', '"Policy" is not known'],
    [{ apiVersion: 'chaos.chaosplane.io/v1' }, 'apiVersion', '"chaos.chaosplane.io/v1" is not known'],
    [{ metadata: { name: 'Shop' } }, 'metadata.name', '"Shop" is not a name'],
  ])('the document with %j is refused', (change, path, wrong) => {
    expect(problemsOf(document({}, change))[0]).toMatchObject({ path, wrong });
  });

  test('all problems are told at once', () => {
    const spec = { halt: 'no', scope: { namespaces: ['Shop'] }, targetLimits: { maxTargets: -1 }, limits: {} };
    const paths = ['spec.halt', 'spec.scope.namespaces.0', 'spec.targetLimits.maxTargets', 'spec'];
    expect(problemsOf(document(spec)).map(({ path }) => path)).toEqual(paths);
  });
});

test('nothing but a name is valid: it enforces nothing', () => {
  expect(parsePolicy(document({}))).toEqual({
    name: 'shop',
    spec: {
      ...{ enforcement: 'Enforce', halt: false, scope: {}, targetLimits: {}, protectedResources: [], actionLimits: {} },
      timeWindows: { blocked: [] },
    },
  });
});

test('limits, times and aliases are understood', () => {
  const { spec } = parsePolicy(
    document({
      scope: { actions: ['node-cpu-stress'] },
      targetLimits: { minAvailable: '50%', maxUnavailable: 1 },
      timeWindows: { allowed: [{ days: ['Mon'], from: '09:30', timeZone: 'Europe/Berlin' }] },
    }),
  );
  expect(spec.scope.actions).toEqual(['stress-cpu']);
  expect(spec.targetLimits).toEqual({ minAvailable: { percent: 50 }, maxUnavailable: { count: 1 } });
  expect(spec.timeWindows.allowed).toEqual([{ days: ['Mon'], from: 570, to: 1440, timeZone: 'Europe/Berlin' }]);
});

describe('of a policy that cannot be understood', () => {
  const metadata = { name: 'shop', uid: 'u' };
  test.each([
    [
      'the scope is known where it can be read',
      { scope: { namespaces: ['shop'] }, surprise: 1 },
      'Enforce',
      { namespaces: ['shop'] },
    ],
    ['everything is in the scope where it cannot', { scope: { namespaces: ['Shop'] } }, 'Enforce', {}],
    ['everything is in the scope where there is none', { surprise: 1 }, 'Enforce', {}],
    ['everything is in the scope of no spec at all', 'none', 'Enforce', {}],
    ['audit stays audit', { enforcement: 'Audit', surprise: 1 }, 'Audit', {}],
  ])('%s', (_what, spec, enforcement, scope) => {
    const policy = readPolicy({ ...document({}), metadata, spec });
    expect(policy).toEqual({
      name: 'shop',
      broken: expect.stringMatching(/^the policy is not valid: spec/),
      spec: { enforcement, scope },
    });
  });
});

test('what is built in protects namespaces, and not the nodes that their pods run on', () => {
  const { spec } = builtInProtection(['kube-system', 'chaosplane']);
  const namespaces = ['kube-system', 'chaosplane'];
  expect(spec.protectedResources).toEqual([{ kind: 'Pod', namespaces, includeNodes: false }]);
  expect(builtInProtection([]).spec.protectedResources).toEqual([]);
});
