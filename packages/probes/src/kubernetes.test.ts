/** What is ready, kind by kind, and what follows from how many are. */
import { ChaosError } from '@chaosplane/common';
import { KubeError, type KubeClient, type KubeObject } from '@chaosplane/kube';
import { describe, expect, test } from '@jest/globals';
import { ask, parseProbes } from '../test/ask.ts';
import { judgeReadiness } from './kubernetes.ts';
import { readObjects, selectorText } from './objects.ts';
import type { Prober } from './prober.ts';
import { readinessOf } from './readiness.ts';

const object = (fields: object, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Any',
  metadata: { name: 'a', ...metadata },
  ...fields,
});
const condition = (type: string, status: string, reason?: string): object => ({
  status: { conditions: [{ type, status, reason }] },
});
const deleted = { deletionTimestamp: '2026-11-30T00:00:00Z' };
const seen = { generation: 2 };
const counts = (status: object, replicas?: number): object => ({
  spec: { replicas },
  status: { observedGeneration: 2, ...status },
});

test.each<[keyof typeof readinessOf, string, KubeObject, [ready: number, wanted: number, why?: string]]>([
  ['Pod', 'that is ready', object(condition('Ready', 'True')), [1, 1]],
  ['Pod', 'that is not', object(condition('Ready', 'False', 'ContainersNotReady')), [0, 1, 'ContainersNotReady']],
  [
    'Pod',
    'on its way out, and ready until then',
    object(condition('Ready', 'True'), deleted),
    [0, 1, 'it is being deleted'],
  ],
  ['Pod', 'without a condition', object({ status: { phase: 'Pending' } }), [0, 1, 'Pending']],
  ['Pod', 'without a status', object({}), [0, 1, 'it has no status yet']],
  [
    'Node',
    'that is ready, and cordoned',
    object({ spec: { unschedulable: true }, ...condition('Ready', 'True') }),
    [1, 1],
  ],
  ['Node', 'that is silent', object(condition('Ready', 'Unknown', 'NodeStatusUnknown')), [0, 1, 'NodeStatusUnknown']],
  ['Node', 'that is new', object({}), [0, 1, 'it has no condition Ready']],
  ['Job', 'that is complete', object(condition('Complete', 'True')), [1, 1]],
  ['Job', 'that runs', object({ status: {} }), [0, 1, 'it is not complete']],
  [
    'Job',
    'that has failed',
    object(condition('Failed', 'True', 'BackoffLimitExceeded')),
    [0, 1, 'it has failed (BackoffLimitExceeded)'],
  ],
  ['Deployment', 'with all', object(counts({ readyReplicas: 3 }, 3), seen), [3, 3]],
  ['Deployment', 'with some', object(counts({ readyReplicas: 2 }, 3), seen), [2, 3, '2 of 3']],
  ['Deployment', 'with none, which its status leaves out', object(counts({}, 3), seen), [0, 3, '0 of 3']],
  ['Deployment', 'with more for a moment', object(counts({ readyReplicas: 4 }, 3), seen), [3, 3]],
  ['Deployment', 'of no size, which is one', object(counts({ readyReplicas: 1 }), seen), [1, 1]],
  ['Deployment', 'scaled to nothing', object(counts({}, 0), seen), [0, 0]],
  [
    'Deployment',
    'whose change was not seen',
    object(counts({ readyReplicas: 3, observedGeneration: 1 }, 3), seen),
    [0, 3, 'its controller has not seen its last change yet'],
  ],
  [
    'Deployment',
    'that is new',
    object({ spec: { replicas: 2 } }, { generation: 1 }),
    [0, 2, 'its controller has not seen its last change yet'],
  ],
  [
    'StatefulSet',
    'on its way out',
    object(counts({ readyReplicas: 3 }, 3), { ...seen, ...deleted }),
    [0, 3, 'it is being deleted'],
  ],
  ['StatefulSet', 'with some', object(counts({ readyReplicas: 1 }, 2), seen), [1, 2, '1 of 2']],
  ['DaemonSet', 'with all', object(counts({ numberReady: 2, desiredNumberScheduled: 2 }), seen), [2, 2]],
  ['DaemonSet', 'with some', object(counts({ numberReady: 1, desiredNumberScheduled: 2 }), seen), [1, 2, '1 of 2']],
  ['DaemonSet', 'without nodes', object(counts({ numberReady: 0, desiredNumberScheduled: 0 }), seen), [0, 0]],
])('a %s %s', (kind, _what, one, [ready, wanted, why]) => {
  expect(readinessOf[kind](one)).toEqual({ name: 'a', ready, wanted, ...(why !== undefined && { why }) });
});

describe('how many are ready', () => {
  const found = (...ready: number[]) =>
    ready.map((one, index) => ({ name: `p${index}`, ready: one, wanted: 1, ...(one === 0 && { why: 'Pending' }) }));
  const pods = { kind: 'Pod', names: undefined } as const;
  const share = (percent: number) => ({ count: undefined, share: percent });
  test.each<[string, Parameters<typeof judgeReadiness>, string]>([
    [
      'enough',
      [found(1, 1, 0), { ...pods, ready: { count: 2 } }],
      'pass: 2 of 3 Pods are ready, at least 2 were asked for',
    ],
    [
      'too few',
      [found(1, 0), { ...pods, ready: { count: 2 } }],
      'fail: 1 of 2 Pods are ready, not at least 2 (p1: Pending)',
    ],
    [
      'too few though all are ready',
      [found(1), { ...pods, ready: { count: 2 } }],
      'fail: 1 of 1 Pods are ready, not at least 2',
    ],
    [
      'a share, rounded up',
      [found(1, 1, 0), { ...pods, ready: share(67) }],
      'fail: 2 of 3 Pods are ready, not at least 3 (67%) (p2: Pending)',
    ],
    [
      'a share that is met',
      [found(1, 1, 0), { ...pods, ready: share(66) }],
      'pass: 2 of 3 Pods are ready, at least 2 (66%) were asked for',
    ],
    ['many that are not', [found(0, 0, 0, 0, 0), { ...pods, ready: share(1) }], 'p2: Pending, and 2 more)'],
    ['none there', [[], { ...pods, ready: { count: 1 } }], 'error: there is no Pod with these labels'],
    ['none of a name', [[], { kind: 'Job', names: ['j'], ready: share(100) }], 'error: there is no Job called j'],
    [
      'none there, and none wanted',
      [[], { ...pods, ready: { count: 0 } }],
      'pass: 0 of 0 Pods are ready, at least 0 were',
    ],
    [
      'one of two names',
      [found(1), { kind: 'Pod', names: ['p0', 'p1'], ready: share(100) }],
      'fail: 1 of 2 Pods are ready, not at least 2 (100%) (p1: it is not there)',
    ],
    [
      'the pods of Deployments',
      [
        [
          { name: 'a', ready: 9, wanted: 10, why: '9 of 10' },
          { name: 'b', ready: 1, wanted: 1 },
        ],
        { kind: 'Deployment', names: undefined, ready: share(95) },
      ],
      'fail: 10 of 11 pods of 2 Deployments are ready, not at least 11 (95%) (a: 9 of 10)',
    ],
    [
      'a share of nothing',
      [[{ name: 'a', ready: 0, wanted: 0 }], { kind: 'DaemonSet', names: undefined, ready: share(90) }],
      'error: of the 1 DaemonSet no pods are wanted',
    ],
  ])('%s', (_what, [all, question], said) => {
    const { outcome, message } = judgeReadiness(all, question);
    expect(`${outcome}: ${message}`).toContain(said);
  });
});

const probe = { type: 'k8s', kind: 'Pod', labelSelector: {}, ready: { count: 1 } };

test('without a cluster, or without an answer, nothing is known', async () => {
  expect(await ask(probe)).toMatchObject({
    outcome: 'error',
    message: 'there is no cluster here whose Pods could be counted',
  });
  const silent: Prober['objects'] = async function* (_wanted, signal) {
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    yield [];
  };
  expect(await ask({ ...probe, timeout: '20ms' }, { objects: silent })).toMatchObject({
    outcome: 'error',
    message: 'the Pods could not be counted: no answer within 20ms',
  });
});

test('the next attempt decides, and the name stands in front', async () => {
  let attempts = 0;
  const objects: Prober['objects'] = async function* () {
    yield [object(condition('Ready', ++attempts === 3 ? 'True' : 'False', 'NotYet'))];
  };
  const named = { ...probe, name: 'web', retries: 2, interval: '1ms' };
  expect(await ask(named, { objects })).toMatchObject({
    outcome: 'pass',
    message: 'web: 1 of 1 Pods are ready, at least 1 were asked for',
  });
  attempts = 3;
  expect(await ask({ ...named, retries: 1 }, { objects })).toMatchObject({
    outcome: 'fail',
    message: 'web: 0 of 1 Pods are ready, not at least 1 (a: NotYet)',
  });
});

describe('objects are read', () => {
  const { signal } = new AbortController();
  const calls: object[] = [];
  const client = (items: () => KubeObject[], more?: () => string | undefined): Pick<KubeClient, 'get' | 'list'> => ({
    async get(_type, { name }) {
      calls.push({ name });
      return items().find(({ metadata }) => metadata.name === name) as never;
    },
    async list({ plural }, { namespace, labelSelector, limit, continue: from } = {}) {
      calls.push({ plural, namespace, labelSelector, limit, from });
      const next = more?.();
      return { items: items() as never, resourceVersion: '1', ...(next !== undefined && { continue: next }) };
    },
  });
  const read = async (from: ReturnType<typeof client>, wanted: object): Promise<string[]> => {
    calls.length = 0;
    const [parsed] = parseProbes({ ...probe, ...wanted });
    const names: string[] = [];
    if (parsed?.type !== 'k8s') throw new Error('it is another probe');
    for await (const page of readObjects(from, { ...parsed, namespace: 'shop' }, signal))
      names.push(...page.map(({ metadata }) => metadata.name));
    return names;
  };

  test('in pages, by their labels', async () => {
    const pages = ['next', undefined];
    const labelSelector = { matchLabels: { app: 'web' } };
    expect(
      await read(
        client(
          () => [object({})],
          () => pages.shift(),
        ),
        { labelSelector },
      ),
    ).toEqual(['a', 'a']);
    const asked = { plural: 'pods', namespace: 'shop', labelSelector: 'app=web', limit: 500 };
    expect(calls).toEqual([asked, { ...asked, from: 'next' }]);
  });

  test('by their names, of those with the labels; nodes without a namespace', async () => {
    const nodes = [object({}, { name: 'n1', labels: { pool: 'spot' } }), object({}, { name: 'n2' })];
    const wanted = { kind: 'Node', names: ['n1', 'n2', 'n3', 'n1'], labelSelector: { matchLabels: { pool: 'spot' } } };
    expect(
      await read(
        client(() => nodes),
        wanted,
      ),
    ).toEqual(['n1']);
    expect(calls).toEqual([{ name: 'n1' }, { name: 'n2' }, { name: 'n3' }]);
    await read(
      client(() => []),
      { kind: 'Node' },
    );
    expect(calls).toEqual([{ plural: 'nodes', limit: 500 }]);
  });

  test('not without end, and not without the right to', async () => {
    await expect(
      read(
        client(
          () => [],
          () => 'next',
        ),
        {},
      ),
    ).rejects.toThrow('more than 10000 Pods of the namespace shop: narrow');
    expect(calls).toHaveLength(20);
    const refusing = client(() => {
      throw new KubeError(403, 'Forbidden', 'jobs is forbidden');
    });
    const said = 'the operator may not read Jobs of the namespace shop: its ClusterRole lacks that';
    await expect(read(refusing, { kind: 'Job' })).rejects.toThrow(new ChaosError('PERMISSION_DENIED', said));
  });

  test('with selectors as the API server reads them', () => {
    const matchExpressions = [
      { key: 'a', operator: 'In', values: ['x', 'y'] },
      { key: 'b', operator: 'NotIn', values: ['z'] },
      { key: 'c', operator: 'Exists', values: [] },
      { key: 'd', operator: 'DoesNotExist', values: [] },
    ] as const;
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: matchExpressions.map((one) => ({ ...one, values: [...one.values] })),
    };
    expect(selectorText(selector)).toBe('app=web,a in (x,y),b notin (z),c,!d');
    expect(selectorText({})).toBeUndefined();
  });
});
