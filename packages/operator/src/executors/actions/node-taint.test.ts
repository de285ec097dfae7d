/** What a taint does to a node and its pods, and that nothing of it is left. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { TargetStatus } from '@chaosplane/api';
import type { Taint } from '@chaosplane/kube';
import { memoryApi, type MemoryApi } from '../../../test/memory-api.ts';
import { nodeOf, owned, podOf } from '../../../test/objects.ts';
import { stageAction, target, type StagedAction } from '../../../test/staged-action.ts';
import { nodeTaintExecutor } from './node-taint.ts';

const unreachable: Taint = {
  key: 'node.kubernetes.io/unreachable',
  effect: 'NoExecute',
  timeAdded: '2026-01-01T00:00:00Z',
};
const tolerating = (seconds?: number) => ({
  spec: {
    tolerations: [{ key: 'k', operator: 'Exists', ...(seconds === undefined ? {} : { tolerationSeconds: seconds }) }],
  },
});
const operator = {
  namespace: 'chaosplane',
  labels: { 'app.kubernetes.io/name': 'chaosplane', 'app.kubernetes.io/component': 'operator' },
};

let api: MemoryApi;
beforeEach(() => {
  api = memoryApi(nodeOf({ taints: [unreachable] }), podOf('web-1'), podOf('patient', tolerating(60)));
  api.put(podOf('hard', tolerating()));
  api.put(podOf('bare', { metadata: { ownerReferences: [] } }));
  api.put(podOf('agent', { metadata: { ownerReferences: [owned('DaemonSet')] } }));
  api.put(podOf('job', { status: { phase: 'Succeeded' } }));
});

const stage = (effect: string, name = 'one', key = 'k'): StagedAction =>
  stageAction(nodeTaintExecutor, api, { type: 'node-taint', parameters: { key, effect }, name });

async function inject(staged: StagedAction) {
  const injected = await staged.executor().inject(target, 1000, staged.signal);
  if (injected.kind !== 'injected') throw new Error(injected.why);
  const { executionId, evidence } = injected;
  return { ...target, state: 'Injected', executionId, evidence: evidence! } satisfies TargetStatus;
}

const observe = async (staged: StagedAction, known: TargetStatus) =>
  (await staged.executor().observe([known], 'all')).get(known.executionId ?? '');

describe('a taint', () => {
  test('that only keeps new pods away is there, and is verified by that; its end leaves the others', async () => {
    const staged = stage('NoSchedule');
    const known = await inject(staged);
    expect(api.node()?.spec?.taints).toEqual([unreachable, { key: 'k', effect: 'NoSchedule' }]);
    expect(await observe(staged, known)).toMatchObject({
      live: true,
      lasting: true,
      evidence: { verdict: 'Verified', summary: 'the node has the taint k:NoSchedule', notes: [] },
    });
    expect(await staged.executor().cancel([known.executionId], [known])).toBe('all');
    expect(api.node()).toMatchObject({ metadata: { annotations: {} }, spec: { taints: [unreachable] } });
  });

  test('NoExecute is verified when the pods are gone that do not tolerate it', async () => {
    const staged = stage('NoExecute');
    const known = await inject(staged);
    const seen = async () => (await observe(staged, known))?.evidence;
    expect(await seen()).toMatchObject({
      verdict: 'NotObserved',
      summary: 'the node has the taint k:NoExecute, 0 of 3 pods gone, 3 still there',
      notes: expect.arrayContaining(['shop/bare does not tolerate it', '1 pod tolerates it for a while, 60 s at most']),
    });
    for (const name of ['web-1', 'bare', 'agent']) api.remove(name);
    expect(await seen()).toMatchObject({ verdict: 'Verified', counters: { pods_found: 3, pods_gone: 3 } });
  });

  test('NoExecute in a preview counts what it would delete, and what does not come back', async () => {
    const before = api.node();
    const [first, second, ...more] = (await stage('NoExecute').executor().preview(target)).split('\n');
    expect(first).toBe('taint the node n1 with k:NoExecute');
    expect(second).toMatch(/deletes 3 pods, and asks no budget: 1 without a controller do not come back, 1 of Daemon/);
    expect(more).toEqual([
      'delete shop/web-1',
      'delete shop/bare',
      'delete shop/agent',
      '1 pod tolerates it for a while, 60 s at most',
    ]);
    expect(await stage('NoSchedule').executor().preview(target)).toBe('taint the node n1 with k:NoSchedule');
    expect(api.node()).toEqual(before);
  });

  test('that is there already is refused, and stays', async () => {
    api.put(nodeOf({ taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }));
    const before = api.node();
    const why = 'it has the taint k=v:NoSchedule of another program';
    await expect(inject(stage('NoSchedule'))).rejects.toThrow(why);
    await expect(stage('NoSchedule').executor().preview(target)).rejects.toThrow(why);
    expect(api.node()).toEqual(before);
  });

  test('that would delete the operator is refused, unless its pod tolerates it', async () => {
    api.put(podOf('chaosplane-operator', { metadata: operator }));
    await expect(inject(stage('NoExecute'))).rejects.toThrow(/would delete the operator's pod .*operator\.tolerations/);
    await expect(stage('NoExecute').executor().preview(target)).rejects.toThrow(/the operator's pod/);
    api.put(podOf('chaosplane-operator', { metadata: operator, ...tolerating() }));
    expect(await inject(stage('NoExecute'))).toMatchObject({ state: 'Injected' });
  });

  test('that another writer changes in the same moment is put beside that one', async () => {
    const dedicated: Taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
    api.between = () => api.put(nodeOf({ taints: [unreachable, dedicated] }));
    const staged = stage('NoSchedule');
    const known = await inject(staged);
    expect(api.node()?.spec?.taints).toHaveLength(3);
    api.between = () => {
      const node = api.node()!;
      api.put({ ...node, spec: { taints: (node.spec?.taints ?? []).filter(({ key }) => key !== 'dedicated') } });
    };
    await staged.executor().cancel([known.executionId], [known]);
    expect(api.node()?.spec?.taints).toEqual([unreachable]);
  });

  test('of two experiments goes with the last; one that is taken away by hand ends both', async () => {
    const [one, two] = [stage('NoSchedule'), stage('NoSchedule', 'two')];
    const [first, second] = [await inject(one), await inject(two)];
    await one.executor().cancel([first.executionId], [first]);
    expect(await observe(two, second)).toMatchObject({ live: true });
    api.put({ ...api.node()!, spec: { taints: [unreachable] } });
    expect(await observe(two, second)).toMatchObject({ live: false, endReason: 'its taint was taken away by hand' });
    expect(api.node()).toMatchObject({ metadata: { annotations: {} }, spec: { taints: [unreachable] } });
  });
});
