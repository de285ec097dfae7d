/** What a drain does from visit to visit, and what is left of it afterwards: nothing. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { TargetStatus } from '@chaosplane/api';
import { KubeError } from '@chaosplane/kube';
import type { Executor } from '@chaosplane/lifecycle';
import { memoryApi, type MemoryApi } from '../../../test/memory-api.ts';
import { nodeOf, owned, podOf } from '../../../test/objects.ts';
import { stageAction, target, type StagedAction } from '../../../test/staged-action.ts';
import { nodeDrainExecutor } from './node-drain.ts';

const blocked = (name: string) =>
  new KubeError(429, 'TooManyRequests', 'no', {
    causes: [{ reason: 'DisruptionBudget', message: `The disruption budget ${name} needs 1 healthy pods` }],
  });

let api: MemoryApi;
beforeEach(() => {
  api = memoryApi(nodeOf({}), podOf('web-1'), podOf('web-2'));
  api.put(podOf('proxy', { metadata: { ownerReferences: [owned('DaemonSet')] } }));
});

const stage = (parameters: object = {}, name = 'one'): StagedAction =>
  stageAction(nodeDrainExecutor, api, { type: 'node-drain', parameters, name });

/** The target as the status has it after the injection. */
async function inject({ signal, ...staged }: StagedAction, executor: Executor = staged.executor()) {
  const injected = await executor.inject(target, 1000, signal);
  if (injected.kind !== 'injected') throw new Error(injected.why);
  const { executionId, evidence } = injected;
  return { ...target, state: 'Injected', executionId, injectedAt: 0, evidence: evidence! } satisfies TargetStatus;
}

async function observe(executor: Executor, known: TargetStatus) {
  return (await executor.observe([known], 'all')).get(known.executionId ?? '');
}

describe('a drain', () => {
  test('cordons, then evicts what is there, and is verified when it is gone; its end uncordons', async () => {
    const staged = stage();
    const executor = staged.executor();
    const known = await inject(staged, executor);
    expect(api.node()).toMatchObject({ spec: { unschedulable: true } });
    expect(known.evidence).toMatchObject({ verdict: 'NotObserved', counters: { pods_found: 2 } });
    expect(api.evictions).toEqual([]);
    expect(await observe(executor, known)).toMatchObject({
      live: true,
      lasting: true,
      evidence: { verdict: 'Verified', summary: '2 of 2 pods gone', notes: ['1 pod stays: of a DaemonSet'] },
    });
    expect(api.evictions.toSorted()).toEqual(['web-1', 'web-2']);
    expect(await executor.cancel([known.executionId], [known])).toBe('all');
    expect(await observe(executor, known)).toMatchObject({ live: false, endReason: 'done' });
    expect(api.node()).toMatchObject({ metadata: { annotations: {} }, spec: {} });
  });

  test('evicts nothing before every target is cordoned, and nothing once it recovers', async () => {
    const staged = stage();
    const executor = staged.executor();
    const known = await inject(staged, executor);
    const { effectiveAt: _not, ...early } = staged.status;
    for (const status of [early, { ...staged.status, phase: 'Recovering' as const }]) {
      staged.status = status;
      expect(await observe(executor, known)).toMatchObject({ live: true });
    }
    expect(api.evictions).toEqual([]);
  });

  test('waits for a budget, asks it again after five seconds, and says at the end what stood in the way', async () => {
    api.refusals.set('web-1', blocked('web'));
    const staged = stage({ timeout: '12s' });
    const executor = staged.executor();
    const known = await inject(staged, executor);
    const way = 'shop/web-1 is in the way: The disruption budget web needs 1 healthy pods';
    for (const [passed, asked] of [
      [0, 1],
      [2000, 1],
      [5000, 2],
      [10_000, 3],
      [15_000, 3],
      [20_000, 3],
    ] as const) {
      staged.passed = passed;
      const told = await observe(executor, known);
      expect(told?.evidence).toMatchObject({ verdict: 'NotObserved', summary: '1 of 2 pods gone, 1 still there' });
      expect(told?.evidence?.notes).toContain(way);
      expect(told?.evidence?.notes.includes('evictions ended after 12s')).toBe(passed > 12_000);
      expect(api.evictions.filter((name) => name === 'web-1')).toHaveLength(asked);
    }
  });

  test('gives a pod up that has two budgets', async () => {
    const text = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    api.refusals.set('web-1', new KubeError(500, 'Unknown', text));
    const staged = stage();
    const executor = staged.executor();
    const known = await inject(staged, executor);
    for (staged.passed = 0; staged.passed < 20_000; staged.passed += 5000) await observe(executor, known);
    expect(api.evictions.filter((name) => name === 'web-1')).toHaveLength(1);
    expect((await observe(executor, known))?.evidence?.notes[0]).toContain('has more than one PodDisruptionBudget');
  });

  test.each([
    ['without force', {}, { ownerReferences: [] }, /shop\/bare has no controller and would not come back/],
    ['with DaemonSets', { ignoreDaemonSets: false }, {}, /shop\/proxy is of a DaemonSet/],
  ])('%s leaves a node alone that has pods which it refuses', async (_what, parameters, metadata, why) => {
    api.put(podOf('bare', { metadata }));
    const staged = stage(parameters);
    const before = api.node();
    await expect(inject(staged)).rejects.toThrow(why);
    await expect(staged.executor().preview(target)).rejects.toThrow(why);
    expect(api.node()).toEqual(before);
    expect(api.evictions).toEqual([]);
  });

  test('in a preview asks the budgets, and changes nothing', async () => {
    api.refusals.set('web-2', blocked('web'));
    const before = api.node();
    expect((await stage().executor().preview(target)).split('\n')).toEqual([
      'cordon the node n1 and evict 2 pods, 1 of them not at this moment',
      'evict shop/web-1',
      'wait for shop/web-2: The disruption budget web needs 1 healthy pods',
      '1 pod stays: of a DaemonSet',
    ]);
    expect(api.evictions.toSorted()).toEqual(['dry web-1', 'dry web-2']);
    expect(api.node()).toEqual(before);
  });
});

describe('what happens meanwhile', () => {
  test('a conflict with another writer is read again, and both changes stand', async () => {
    const taint = { key: 'k', effect: 'NoSchedule' };
    api.between = () => api.put(nodeOf({ taints: [taint] }));
    await inject(stage());
    expect(api.node()?.spec).toEqual({ taints: [taint], unschedulable: true });
  });

  test('an operator that knows nothing but the status goes on, and only uncordons what experiments cordoned', async () => {
    api.put(nodeOf({ unschedulable: true }));
    const staged = stage();
    const known = await inject(staged);
    const next = staged.executor();
    expect((await observe(next, known))?.evidence?.notes).toContain('it was cordoned before, and stays cordoned');
    await staged.executor().cancel([known.executionId], [known]);
    expect(api.node()).toMatchObject({ metadata: { annotations: {} }, spec: { unschedulable: true } });
  });

  test('after the timeout, an operator that knows no reason asks for it without evicting', async () => {
    const staged = stage({ timeout: '5s' });
    const known = await inject(staged);
    api.refusals.set('web-1', blocked('web'));
    staged.passed = 6000;
    const told = await observe(staged.executor(), known);
    expect(told?.evidence?.notes.slice(0, 2)).toEqual([
      'shop/web-1 is in the way: The disruption budget web needs 1 healthy pods',
      'shop/web-2 was not evicted in time',
    ]);
    expect(api.evictions.toSorted()).toEqual(['dry web-1', 'dry web-2']);
  });

  test('a cordon whose note was never written is found in the recovery, and undone', async () => {
    const staged = stage();
    await inject(staged);
    staged.status = { ...staged.status, phase: 'Recovering' };
    const next = staged.executor();
    const [id = ''] = (await next.observe([target], 'some')).keys();
    expect(await next.cancel([id], [target])).toBe('all');
    expect(api.node()?.spec).toEqual({});
  });

  test('of two drains of one node the last one uncordons it', async () => {
    const [one, two] = [stage(), stage({}, 'two')];
    const [first, second] = [await inject(one), await inject(two)];
    await one.executor().cancel([first.executionId], [first]);
    expect(await observe(two.executor(), second)).toMatchObject({ live: true });
    await two.executor().cancel([second.executionId], [second]);
    expect(api.node()?.spec).toEqual({});
  });

  test('a node that is uncordoned by hand is told so, and a cordon that comes later is kept', async () => {
    const staged = stage();
    const known = await inject(staged);
    const node = api.node()!;
    api.put({ ...node, spec: {} });
    const told = { live: false, endReason: 'its cordon was taken away by hand' };
    expect(await observe(staged.executor(), known)).toMatchObject(told);
    expect(api.node()?.metadata.annotations).toEqual({});
    api.put(nodeOf({ unschedulable: true }));
    await staged.executor().cancel([known.executionId], [known]);
    expect(api.node()?.spec?.unschedulable).toBe(true);
  });

  test('a node that is gone, or replaced under its name, counts as clean', async () => {
    const staged = stage();
    const known = await inject(staged);
    for (const happen of [
      () => api.put({ ...nodeOf({}), metadata: { name: 'n1', uid: 'u2' } }),
      () => api.remove('n1'),
    ]) {
      happen();
      const executor = staged.executor();
      expect(await observe(executor, known)).toMatchObject({
        live: false,
        endReason: expect.stringMatching(/^target gone: its node/),
      });
      expect(await executor.cancel([known.executionId], [known])).toBe('all');
    }
  });
});
