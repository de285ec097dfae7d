/** What is protected is never hit: by namespace, labels, names, kind and node. */
import { expect, test } from '@jest/globals';
import { builtInProtection } from '@chaosplane/api';
import { pods, said, targetsOf } from '../../../test/policies.ts';

const other = '; name other targets';
const gold = { labelSelector: { matchLabels: { tier: 'gold' } } };

test.each<[string, object, readonly string[], string | undefined]>([
  [
    'a namespace',
    { namespaces: ['kube-system'] },
    ['dns'],
    'kube-system/dns is protected: the namespace kube-system is',
  ],
  ['not others', { namespaces: ['kube-system'] }, ['web-1'], undefined],
  [
    'namespaces by their labels',
    { namespaceSelector: { matchLabels: { team: 'b' } } },
    ['web-1'],
    'shop/web-1 is protected: the namespace shop is',
  ],
  ['not those without', { namespaceSelector: { matchLabels: { team: 'b' } } }, ['dns'], undefined],
  ['pods by their labels', gold, ['web-1', 'db-0'], 'shop/db-0 is protected: its labels are'],
  [
    'all that are meant',
    gold,
    ['db-0', 'db-1'],
    'shop/db-0 is protected, as 1 other target that may be hit: its labels are',
  ],
  ['pods by their names', { names: ['web-2'] }, ['web-2'], 'shop/web-2 is protected: its name is'],
  ['a name in another namespace', { names: ['web-2'], namespaces: ['cart'] }, ['web-2'], undefined],
  [
    'pods of a kind of workload',
    { kind: 'StatefulSet' },
    ['db-1'],
    'shop/db-1 is protected: it is of the StatefulSet shop/db',
  ],
  ['not of another kind', { kind: 'StatefulSet' }, ['web-1'], undefined],
  [
    'pods of a workload by its name',
    { kind: 'Deployment', names: ['web'] },
    ['web-3'],
    'shop/web-3 is protected: it is of the Deployment shop/web',
  ],
  ['not of another workload', { kind: 'Deployment', names: ['web'] }, ['dns'], undefined],
  ['nodes', { kind: 'Node' }, ['n3'], 'node n3 is protected: all nodes are'],
  [
    'nodes by their labels',
    { kind: 'Node', labelSelector: { matchLabels: { pool: 'spot' } } },
    ['n1'],
    'node n1 is protected: its labels are',
  ],
  ['not those without', { kind: 'Node', labelSelector: { matchLabels: { pool: 'spot' } } }, ['n3'], undefined],
  ['nodes by their names', { kind: 'Node', names: ['n1'] }, ['n1'], 'node n1 is protected: its name is'],
  ['not the pods on them', { kind: 'Node', names: ['n1'] }, ['web-1'], undefined],
  ['the node of a pod that is', gold, ['n2'], 'node n2 is protected: shop/db-1 runs on it (its labels are)'],
  ['not the node without one', gold, ['n3'], undefined],
  ['not the node where that is left out', { ...gold, includeNodes: false }, ['n2'], undefined],
])('%s', (_what, entry, names, expected) => {
  const told = expected === undefined ? [] : [`protectedResources: ${expected}${other}`];
  for (const begins of [true, false])
    expect(said({ protectedResources: [entry] }, { begins, targets: targetsOf(...names) })).toEqual(told);
});

test('the draw is no reason to allow it: what might have been chosen counts when the experiment begins', () => {
  const drawn = { targets: targetsOf('web-1'), fitting: targetsOf('web-1', 'db-0') };
  const spec = { protectedResources: [gold] };
  expect(said(spec, drawn)).toEqual([`protectedResources: shop/db-0 is protected: its labels are${other}`]);
  expect(said({ ...spec, scope: gold }, drawn)).toEqual([
    `protectedResources: shop/db-0 is protected: its labels are${other}`,
  ]);
  expect(said(spec, { ...drawn, begins: false })).toEqual([]);
});

test('a label that a pod gets after it was chosen protects it', () => {
  const labelled = pods.map((pod) =>
    pod.name === 'web-1' ? { ...pod, labels: { ...pod.labels, tier: 'gold' } } : pod,
  );
  expect(said({ protectedResources: [gold] }, { begins: false })).toEqual([]);
  expect(said({ protectedResources: [gold] }, { begins: false }, { pods: labelled })).toHaveLength(1);
});

test('a pod that is gone is still of its namespace', () => {
  const gone = { begins: false, targets: [{ namespace: 'kube-system', name: 'old', uid: 'gone' }] };
  expect(said({ protectedResources: [{ namespaces: ['kube-system'] }] }, gone)).toHaveLength(1);
  expect(said({ protectedResources: [{ namespaces: ['cart'] }] }, gone)).toEqual([]);
});

test('what is built in protects the system, and leaves nodes alone', () => {
  const policy = builtInProtection(['kube-system', 'chaosplane']);
  expect(said(policy, { targets: targetsOf('dns') })).toHaveLength(1);
  expect(said(policy, { targets: targetsOf('n1', 'web-1') })).toEqual([]);
});
