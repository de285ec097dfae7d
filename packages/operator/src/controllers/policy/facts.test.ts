/** What the cluster tells of pods and their workloads, and which experiments a change is about. */
import { describe, expect, test } from '@jest/globals';
import { parsePolicy, type TargetStatus } from '@chaosplane/api';
import type { Informer, KubeObject, Namespace, Node, OwnerReference, Pod, ReplicaSet } from '@chaosplane/kube';
import { createFacts } from './facts.ts';
import { createHits, heldTargets } from './hits.ts';
import { hitByNamespace, hitByPod, hitByWorkload } from './wake.ts';
import { createWorkloads } from './workload.ts';

/** A copy that does not change. */
function copyOf<T extends KubeObject>(objects: readonly T[], synced = true): Informer<T> {
  const indexes = new Map<string, (object: T) => readonly string[]>();
  return {
    ...{ name: 'objects', synced, restarts: 0, lastEventAgeMs: () => 0 },
    start: async () => undefined,
    list: () => objects,
    get: ({ name, namespace }) =>
      objects.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace),
    onChange: () => () => undefined,
    addIndex: (name, keysOf) => void indexes.set(name, keysOf),
    byIndex: (name, key) => objects.filter((object) => indexes.get(name)?.(object).includes(key)),
  };
}

const owner = (kind: string, name: string): OwnerReference => ({
  ...{ apiVersion: 'apps/v1', kind, name, uid: `uid-${name}`, controller: true },
});

const meta = (name: string, by?: OwnerReference, change: object = {}) => ({
  ...{ namespace: 'shop', name, uid: `uid-${name}`, labels: { app: name } },
  ...(by === undefined ? {} : { ownerReferences: [by] }),
  ...change,
});

const pod = (name: string, by?: OwnerReference, change: object = {}, phase = 'Running'): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: meta(name, by, change), spec: { nodeName: 'n1' } },
  status: { phase, conditions: [{ type: 'Ready', status: 'True' }] },
});

const all: readonly Pod[] = [
  pod('web-1', owner('ReplicaSet', 'web-old')),
  pod('web-2', owner('ReplicaSet', 'web-new')),
  pod('web-3', owner('ReplicaSet', 'web-new'), { deletionTimestamp: '2026-01-01T00:00:00Z' }),
  pod('bare-set-1', owner('ReplicaSet', 'bare-set')),
  pod('db-0', owner('StatefulSet', 'db')),
  pod('log-x', owner('DaemonSet', 'log')),
  pod('job-a', owner('Job', 'job'), {}, 'Succeeded'),
  pod('job-b', owner('Job', 'job')),
  pod('clone-1', owner('CloneSet', 'clone')),
  pod('forged', owner('ReplicaSet', 'web-forged'), { labels: { 'pod-template-hash': 'forged' } }),
  pod('tool'),
];

const set = (name: string, replicas: number, by?: OwnerReference): ReplicaSet => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: meta(name, by), spec: { replicas } },
});

const sets = [
  set('web-old', 1, owner('Deployment', 'web')),
  set('web-new', 2, owner('Deployment', 'web')),
  set('bare-set', 4),
];
const controller = <T>(kind: string, name: string, rest: T) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: meta(name),
  ...rest,
});

function staged(synced = true) {
  const pods = copyOf(all);
  const workloads = createWorkloads({
    pods,
    replicaSets: copyOf(sets, synced),
    deployments: copyOf([controller('Deployment', 'web', { spec: { replicas: 3 } })], synced),
    statefulSets: copyOf([controller('StatefulSet', 'db', {})]),
    daemonSets: copyOf([controller('DaemonSet', 'log', { status: { desiredNumberScheduled: 7 } })]),
  });
  const hits = createHits(workloads);
  const nodes = copyOf<Node>([{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', labels: { pool: 'spot' } } }]);
  const namespaces = copyOf<Namespace>([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }], synced);
  const factsFor = createFacts({ pods, nodes, namespaces, workloads, hits });
  return { hits, workloads, factsFor, facts: factsFor('shop/mine') };
}

const target = (name: string) => ({ namespace: 'shop', name, uid: `uid-${name}` });

test.each([
  ['web-1', 'Deployment web', 3, ['web-1', 'web-2', 'web-3']],
  ['bare-set-1', 'ReplicaSet bare-set', 4, ['bare-set-1']],
  ['db-0', 'StatefulSet db', 1, ['db-0']],
  ['log-x', 'DaemonSet log', 7, ['log-x']],
  ['job-b', 'Job job', 1, ['job-b']],
  ['clone-1', 'CloneSet clone', undefined, ['clone-1']],
  ['tool', 'Pod tool', 1, ['tool']],
  // A name that looks like that of a Deployment's ReplicaSet makes no pod one of the Deployment.
  ['forged', 'ReplicaSet web-forged', undefined, ['forged']],
])('%s is of the %s, which should have %s', (name, workload, desired, names) => {
  const { facts } = staged();
  const found = facts.pod(target(name));
  expect(`${found?.workload.kind} ${found?.workload.name}`).toBe(workload);
  const { desired: wanted, pods } = facts.workload(found!.workload);
  expect([wanted, pods.map((each) => each.name)]).toEqual([desired, names]);
});

test('a pod that has ended, or is another of its name, is not there; one on its way out is not ready', () => {
  const { facts } = staged();
  expect(facts.pod(target('job-a'))).toBeUndefined();
  expect(facts.pod({ ...target('tool'), uid: 'other' })).toBeUndefined();
  expect(['web-2', 'web-3'].map((name) => facts.pod(target(name))?.ready)).toEqual([true, false]);
  expect(facts.podsOn('n1').map(({ name }) => name)).not.toContain('job-a');
  expect([
    facts.nodeLabels('n1'),
    facts.nodeLabels('n9'),
    facts.namespaceLabels('shop'),
    facts.namespaceLabels('cart'),
  ]).toEqual([{ pool: 'spot' }, undefined, {}, undefined]);
});

test('what the API server has not told is not known, instead of being nothing', () => {
  const { facts } = staged(false);
  expect(() => facts.namespaceLabels('shop')).toThrow('the objects are not known: may the operator list them?');
  expect(() => facts.pod(target('web-1'))).toThrow('not known');
});

describe('what others hit', () => {
  const { spec } = parsePolicy({
    ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'BlastRadiusPolicy', metadata: { name: 'p' } },
    spec: { scope: { actions: ['pod-kill'], namespaces: ['shop'] } },
  });

  test('counts, by the scope of a policy, and not what the experiment hits itself', () => {
    const { hits, facts } = staged();
    hits.set({ key: 'shop/mine', action: 'pod-kill', targets: [target('web-1')] });
    hits.set({ key: 'shop/a', action: 'pod-kill', targets: [target('web-2'), target('web-1')] });
    hits.set({ key: 'shop/b', action: 'network-delay', targets: [target('tool')] });
    expect(facts.others().map((each) => [each.name, each.covered({ name: 'p', spec })])).toEqual([
      ['shop/a', 2],
      ['shop/b', 0],
    ]);
    const isHit = (name: string) => facts.isHit(facts.pod(target(name))!);
    expect(['web-1', 'web-2', 'tool', 'db-0'].map(isHit)).toEqual([true, true, true, false]);
    hits.set({ key: 'shop/a', action: 'pod-kill', targets: [] });
    expect(['web-1', 'web-2'].map(isHit)).toEqual([false, false]);
    expect(facts.others()).toHaveLength(1);
  });

  test('a node hits its pods', () => {
    const { hits, facts } = staged();
    hits.set({ key: 'shop/node', action: 'stress-cpu', targets: [{ namespace: '', name: 'n1', uid: 'n' }] });
    expect(facts.nodesHit()).toEqual(['n1']);
    expect(facts.isHit(facts.pod(target('db-0'))!)).toBe(true);
  });

  test('is what is injected, or about to be; what was left to the TTL, too', () => {
    const states = ['Selected', 'Injected', 'Missed', 'Recovered'] as const;
    const targets: TargetStatus[] = states.map((state) => ({ ...target(state), state }));
    const names = (phase: 'Running' | 'Recovering' | 'Completed') =>
      heldTargets({ phase, targets }).map(({ name }) => name);
    expect([names('Running'), names('Recovering'), names('Completed')]).toEqual([
      ['Selected', 'Injected'],
      ['Injected'],
      ['Injected'],
    ]);
  });
});

describe('a change is about', () => {
  const { hits, workloads } = staged();
  hits.set({ key: 'shop/web', action: 'pod-kill', targets: [target('web-1')] });
  hits.set({ key: 'shop/db', action: 'pod-kill', targets: [target('db-0')] });
  const [web1, web2] = all as readonly [Pod, Pod];
  const unready: Pod = { ...web2, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } };
  const changed = (object: Pod, previous: Pod) => hitByPod({ type: 'updated', object, previous }, { hits, workloads });

  test('those that hit a pod, or another of its workload, and no others', () => {
    expect(new Set(changed(unready, web2))).toEqual(new Set(['shop/web']));
    expect(new Set(changed({ ...web1, metadata: { ...web1.metadata, labels: {} } }, web1))).toEqual(
      new Set(['shop/web']),
    );
    expect(changed({ ...web2, status: { ...web2.status, podIP: '10.0.0.1' } }, web2)).toEqual([]);
    expect(new Set(hitByPod({ type: 'deleted', object: web2 }, { hits, workloads }))).toEqual(new Set(['shop/web']));
    expect(hitByPod({ type: 'deleted', object: all.at(-1)! }, { hits, workloads })).toEqual([]);
  });

  test('those of a workload, when it should have another number of pods', () => {
    const scaled = (from: number, to: number) => {
      const object = { ...controller('Deployment', 'web', {}), replicas: to };
      const desired = ({ replicas }: { readonly replicas: number }) => replicas;
      return hitByWorkload(
        'Deployment',
        { type: 'updated', object, previous: { ...object, replicas: from } },
        { hits, desired },
      );
    };
    expect(scaled(3, 1)).toEqual(['shop/web']);
    expect(scaled(3, 3)).toEqual([]);
  });

  test('those of a namespace, when its labels change', () => {
    const namespace = (labels: Record<string, string>): Namespace => ({
      ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } },
    });
    const labelled = (from: Record<string, string>, to: Record<string, string>) =>
      hitByNamespace({ type: 'updated', object: namespace(to), previous: namespace(from) }, hits);
    expect(labelled({}, { team: 'b' })).toEqual(['shop/web', 'shop/db']);
    expect(labelled({ team: 'b' }, { team: 'b' })).toEqual([]);
  });
});
