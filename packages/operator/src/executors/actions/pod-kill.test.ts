/** What a kill asks the API server for, and what is said of it. */
import { expect, test } from '@jest/globals';
import { parseExperiment, type TargetStatus } from '@chaosplane/api';
import type { Informer, KubeClient, Pod } from '@chaosplane/kube';
import { podKillExecutor } from './pod-kill.ts';

const target: TargetStatus = {
  namespace: 'shop',
  name: 'db-0',
  uid: 'u',
  node: 'n1',
  state: 'Injected',
  executionId: 'pod-kill-u',
};

/** An executor whose API server has no such pod any more, and what it was asked to delete. */
function staged(parameters: object) {
  const document = {
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosExperiment',
    metadata: { name: 'x' },
    spec: { target: { names: ['db-0'] }, action: { type: 'pod-kill', parameters }, duration: '1s' },
  };
  const asked: object[] = [];
  const client: Pick<KubeClient, 'delete'> = {
    async delete(_type, { name }, { uid, gracePeriodSeconds } = {}) {
      asked.push({ name, uid, gracePeriodSeconds });
      return 'deleted';
    },
  };
  const cache: Pick<Informer<Pod>, 'get'> = { get: () => undefined };
  const { spec } = parseExperiment(document, 'cluster');
  const { signal } = new AbortController();
  const executor = podKillExecutor({ spec, client: client as KubeClient, pods: cache as Informer<Pod>, signal });
  return { asked, executor, signal };
}

test.each<[what: string, parameters: object, gracePeriodSeconds: number, plan: string, notes: readonly string[]]>([
  ['without a word, it waits for the kubelet', {}, 1, 'delete the pod shop/db-0, with 1 s to end', []],
  ['with a time, the pod gets it', { gracePeriodSeconds: 30 }, 30, 'delete the pod shop/db-0, with 30 s to end', []],
  [
    'with 0 it is a force delete, which the plan and the evidence say',
    { gracePeriodSeconds: 0 },
    0,
    'force-delete the pod shop/db-0, without waiting for its kubelet',
    ['with a grace period of 0 the API server forgets a pod before the kubelet has ended its processes'],
  ],
])('%s', async (_what, parameters, gracePeriodSeconds, plan, notes) => {
  const { asked, executor, signal } = staged(parameters);
  expect(await executor.preview(target)).toBe(plan);
  expect(await executor.inject(target, 1000, signal)).toEqual({ kind: 'injected', executionId: 'pod-kill-u' });
  expect(asked).toEqual([{ name: 'db-0', uid: 'u', gracePeriodSeconds }]);
  expect((await executor.observe([target], 'all')).get('pod-kill-u')).toMatchObject({
    live: false,
    evidence: { verdict: 'Verified', summary: 'the pod is gone', notes },
  });
});
