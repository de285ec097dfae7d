/** Which pods and nodes may be hit, as the API server has them. */
import { expect, test } from '@jest/globals';
import type { ExperimentSpec } from '@chaosplane/experiment';
import type { Node, Pod } from '@chaosplane/kube';
import { candidatesOf } from './candidates.ts';

const metadata = { name: 'a', namespace: 'shop', uid: 'uid-a', labels: { app: 'web' } };
const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'n1' }, status: { phase: 'Running' } };
const ready = (status: 'True' | 'False' | 'Unknown') => ({ conditions: [{ type: 'Ready', status }] });
const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', uid: 'uid-n1', labels: { zone: 'a' } },
  spec: { unschedulable: true },
  status: { ...ready('True'), nodeInfo: { bootID: 'boot-1' } },
};
const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };

const found = (kind: 'Pod' | 'Node', world: { pods?: Pod[]; nodes?: Node[] }) =>
  candidatesOf({ target: { kind } } as Pick<ExperimentSpec, 'target'>, {
    pods: () => world.pods ?? [],
    nodes: () => world.nodes ?? [],
  });

test('of pods and nodes only what is meant is looked at', () => {
  const world = { pods: [pod], nodes: [node] };
  expect(found('Pod', world)).toEqual([
    {
      namespace: 'shop',
      name: 'a',
      uid: 'uid-a',
      labels: { app: 'web' },
      running: true,
      hostNetwork: false,
      node: 'n1',
    },
  ]);
  // Cordoned, and may be hit all the same.
  expect(found('Node', world)).toEqual([
    {
      namespace: '',
      name: 'n1',
      uid: 'uid-n1',
      labels: { zone: 'a' },
      running: true,
      hostNetwork: false,
      node: 'n1',
      bootId: 'boot-1',
    },
  ]);
});

test.each<[string, Node, boolean]>([
  ['is ready', node, true],
  ['is not ready', { ...node, status: ready('False') }, false],
  ['is silent', { ...node, status: ready('Unknown') }, false],
  ['has said nothing yet', { ...node, status: {} }, false],
  ['is being deleted', { ...node, metadata: { ...node.metadata, ...deleted } }, false],
])('a node that %s', (_name, one, running) => {
  expect(found('Node', { nodes: [one] })[0]?.running).toBe(running);
});

test.each<[string, Pod, boolean]>([
  ['runs', pod, true],
  ['has no node yet', { ...pod, spec: {} }, false],
  ['is over', { ...pod, status: { phase: 'Succeeded' } }, false],
  ['is being deleted', { ...pod, metadata: { ...metadata, ...deleted } }, false],
])('a pod that %s', (_name, one, running) => {
  expect(found('Pod', { pods: [one] })[0]?.running).toBe(running);
});
