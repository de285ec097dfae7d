/** Which pods and nodes may be hit, as the API server has them. */
import { expect, test } from '@jest/globals';
import type { ExperimentSpec } from '@chaosplane/api';
import type { Node, Pod } from '@chaosplane/kube';
import { candidatesOf } from './candidates.ts';
import { runningContainer } from './container.ts';

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

const found = (kind: 'Pod' | 'Node', sources: { pods?: Pod[]; nodes?: Node[] }) =>
  candidatesOf({ target: { kind } } as Pick<ExperimentSpec, 'target'>, {
    pods: () => sources.pods ?? [],
    nodes: () => sources.nodes ?? [],
  });

test('of pods and nodes only what is meant is looked at', () => {
  const sources = { pods: [pod], nodes: [node] };
  expect(found('Pod', sources)).toEqual([
    {
      namespace: 'shop',
      name: 'a',
      uid: 'uid-a',
      labels: { app: 'web' },
      running: true,
      containers: [],
      hostNetwork: false,
      node: 'n1',
    },
  ]);
  // Cordoned, and may be hit all the same.
  expect(found('Node', sources)).toEqual([
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

const container = (name: string, runs: boolean) => ({
  name,
  ready: runs,
  restartCount: 3,
  state: runs ? { running: {} } : { waiting: { reason: 'CrashLoopBackOff' } },
});
const withContainers = (status: Pod['status']): Pod => ({ ...pod, status: { phase: 'Running', ...status } });

test.each<[string, Pod, string | undefined]>([
  ['runs', pod, undefined],
  ['has no node yet', { ...pod, spec: {} }, 'not running'],
  ['is over', { ...pod, status: { phase: 'Succeeded' } }, 'not running'],
  ['is being deleted', { ...pod, metadata: { ...metadata, ...deleted } }, 'on its way out'],
  [
    'is being deleted and ready',
    { ...withContainers({ containerStatuses: [container('app', true)] }), metadata: { ...metadata, ...deleted } },
    'on its way out',
  ],
  [
    'only crashes, and says Running',
    withContainers({ containerStatuses: [container('app', false)] }),
    'not running: none of its containers does',
  ],
  [
    'crashes beside one that runs',
    withContainers({ containerStatuses: [container('app', false), container('b', true)] }),
    undefined,
  ],
  [
    'crashes beside a native sidecar that runs',
    withContainers({ containerStatuses: [container('app', false)], initContainerStatuses: [container('side', true)] }),
    undefined,
  ],
])('a pod that %s', (_name, one, why) => {
  const [candidate] = found('Pod', { pods: [one] });
  expect([candidate?.running, candidate?.notRunning]).toEqual([why === undefined, why]);
});

test('native sidecars are containers with names, and other init containers are none', () => {
  const spec = {
    nodeName: 'n1',
    containers: [{ name: 'app' }],
    initContainers: [{ name: 'setup' }, { name: 'side', restartPolicy: 'Always' }],
  };
  expect(found('Pod', { pods: [{ ...pod, spec }] })[0]?.containers).toEqual(['app', 'side']);
  const ids = {
    containerStatuses: [container('app', false)],
    initContainerStatuses: [{ ...container('side', true), containerID: 'containerd://s' }],
  };
  expect(runningContainer({ ...withContainers(ids), spec }, 'uid-a')).toBe('containerd://s');
  const both = { ...ids, containerStatuses: [{ ...container('app', true), containerID: 'containerd://a' }] };
  expect(runningContainer({ ...withContainers(both), spec }, 'uid-a')).toBe('containerd://a');
  expect(runningContainer({ ...withContainers(both), spec }, 'another')).toBeUndefined();
});
