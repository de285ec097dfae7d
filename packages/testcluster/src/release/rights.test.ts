import { expect, test } from '@jest/globals';
import { flatRights, rightsOf, rightsPage } from './rights.ts';

const chart = `
# Source: some/file.yaml
kind: ServiceAccount
metadata: { name: a }
---
kind: ClusterRole
metadata: { name: a }
rules:
  # It looks
  # at them.
  - apiGroups: ['']
    resources: [pods, nodes]
    verbs: [get]
  # It makes one.
  - apiGroups: [apps]
    resources: [deployments]
    resourceNames: [web]
    verbs: [create]
---
kind: ClusterRole
metadata: { name: users }
rules:
  - apiGroups: [x]
    resources: [ys]
    verbs: [list]
---
kind: RoleBinding
metadata: { name: a }
roleRef: { kind: ClusterRole, name: a }
subjects: [{ kind: ServiceAccount, name: a }]
---
kind: ServiceAccount
metadata: { name: b }
`;

test('an account has the rules of the roles that are bound to it, where they are bound; a role without a binding is for users', () => {
  const holders = rightsOf(chart);
  expect(holders.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'ServiceAccount a',
    'ServiceAccount b',
    'ClusterRole users',
  ]);
  const [a, b, users] = holders;
  expect(a?.rights.map(({ reason }) => reason)).toEqual(['It looks at them.', 'It makes one.']);
  expect(flatRights(a?.rights ?? [])).toEqual([
    'namespace /nodes * get',
    'namespace /pods * get',
    'namespace apps/deployments web create',
  ]);
  expect(b?.rights).toEqual([]);
  expect(users?.rights).toEqual([{ scope: 'cluster', groups: ['x'], resources: ['ys'], verbs: ['list'], reason: '' }]);
});

test('the page has a row for each rule', () => {
  const page = rightsPage(rightsOf(chart));
  expect(page).toContain('| its namespace | pods, nodes | all | get | It looks at them. |');
  expect(page).toContain('| its namespace | deployments (apps) | web | create | It makes one. |');
  expect(page).toContain('## Users with the role users');
});
