/** What each answer of the Eviction API means for a drain. The answers are those of Kubernetes 1.34. */
import { describe, expect, test } from '@jest/globals';
import { KubeError, type KubeClient, type Pod } from '@chaosplane/kube';
import { podOf } from '../../test/objects.ts';
import { evict, evictionOf } from './evict.ts';

const needs = 'The disruption budget web needs 2 healthy pods and has 2 currently';
const budget = (message: string) =>
  new KubeError(429, 'TooManyRequests', 'Cannot evict pod', { causes: [{ reason: 'DisruptionBudget', message }] });
const TWO = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
const unready = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };

describe('an answer', () => {
  test.each<[what: string, error: KubeError, more: object, eviction: object]>([
    ['of a budget that allows none is waited for, by its name', budget(needs), {}, { kind: 'later', why: needs }],
    [
      'of a budget, for a pod that is not ready, tells where to look',
      budget('The disruption budget web needs 0 healthy pods and has 0 currently'),
      unready,
      { kind: 'later', why: expect.stringMatching(/needs 0 .*; the pod is not ready: see unhealthyPodEvictionPolicy/) },
    ],
    [
      'that it is busy is waited for',
      new KubeError(429, 'TooManyRequests', 'busy'),
      {},
      { kind: 'later', why: 'busy' },
    ],
    ['that the pod is not there', new KubeError(404, 'NotFound', 'no'), {}, { kind: 'done' }],
    ['that another pod has its name', new KubeError(409, 'Conflict', 'uid'), {}, { kind: 'done' }],
    ['of a webhook that forbids it', new KubeError(403, 'Forbidden', 'no'), {}, { kind: 'later', why: 'no' }],
    ['that did not come', new KubeError(0, 'Network', 'reset'), {}, { kind: 'later', why: 'reset' }],
  ])('%s', (_what, error, more, eviction) => {
    expect(evictionOf(error, podOf('web-1', more))).toEqual(eviction);
  });
});

/** What is asked of an API server that has `there` in the pod's place, and answers evictions with `answer`. */
function staged(there: Pod | undefined, answer?: KubeError, budgets: readonly object[] = []) {
  const asked: unknown[] = [];
  const client = {
    get: async () => there,
    list: async () => ({ items: budgets, resourceVersion: '1' }),
    async raw(_method: string, path: string, body: unknown) {
      asked.push([path, body]);
      if (answer !== undefined) throw answer;
    },
  } as unknown as KubeClient;
  return { asked, client };
}

describe('an eviction', () => {
  const { signal } = new AbortController();
  const pod = podOf('web-1');

  test('names the uid that was read a moment before', async () => {
    const { asked, client } = staged(pod);
    expect(await evict(client, pod, { dryRun: false, signal })).toEqual({ kind: 'done' });
    const metadata = { namespace: 'shop', name: 'web-1' };
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata };
    const path = '/api/v1/namespaces/shop/pods/web-1/eviction';
    expect(asked).toEqual([[path, { ...eviction, deleteOptions: { preconditions: { uid: 'uid-of-web-1' } } }]]);
  });

  test('of a dry run changes nothing', async () => {
    const { asked, client } = staged(pod);
    await evict(client, pod, { dryRun: true, signal });
    expect(asked).toMatchObject([[expect.anything(), { deleteOptions: { dryRun: ['All'] } }]]);
  });

  test.each([
    ['is gone', undefined],
    ['was replaced under its name', podOf('web-1', { metadata: { uid: 'another' } })],
    ['is on its way out', podOf('web-1', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })],
  ])('of a pod that %s is not asked for', async (_what, there) => {
    const { asked, client } = staged(there);
    expect(await evict(client, pod, { dryRun: false, signal })).toEqual({ kind: 'done' });
    expect(asked).toEqual([]);
  });

  test('of a pod with two budgets is given up, and named after both', async () => {
    const covering = (name: string, selector?: object) => ({ metadata: { name }, spec: { selector } });
    const app = { matchLabels: { app: 'web' } };
    const any = { matchExpressions: [{ key: 'app', operator: 'Exists' }] };
    const budgets = [covering('b', app), covering('other', { matchLabels: { app: 'db' } }), covering('a', any)];
    const labelled = podOf('web-1', { metadata: { labels: { app: 'web' } } });
    const { client } = staged(labelled, new KubeError(500, 'Unknown', TWO), [...budgets, covering('none')]);
    expect(await evict(client, labelled, { dryRun: false, signal })).toEqual({
      kind: 'never',
      why: 'it has more than one PodDisruptionBudget (a, b), and so cannot be evicted',
    });
  });

  test('that meets another error of the API server is asked for again later', async () => {
    const { client } = staged(pod, new KubeError(500, 'InternalError', 'etcd'));
    expect(await evict(client, pod, { dryRun: false, signal })).toEqual({ kind: 'later', why: 'etcd' });
  });
});
