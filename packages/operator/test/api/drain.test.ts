/** Drains on a real API server, by an operator with the rights of the chart: what is evicted, what stands in the way, and whose cordon it is. */
import { describe, expect, jest, test } from '@jest/globals';
import { createLogger, systemClock } from '@chaosplane/common';
import { podDisruptionBudgets, nodes, pods, refOf, type KubeClient } from '@chaosplane/kube';
import { ABORT_ANNOTATION, CAPABILITIES_ANNOTATION, chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { uninstall } from '../../src/uninstall.ts';
import { eachOnStage, isEffective, isOver } from './each-on-stage.ts';
import { addWork, becomes, clean, cordonByHand, viewOf, work } from './nodes-on-stage.ts';
import type { StageNode } from './stage-node.ts';
import type { StagedOperator } from './stage-operator.ts';
import type { Stage } from './stage.ts';

jest.setTimeout(180_000);

let stage: Stage;
let node: StageNode;

eachOnStage((next) => {
  stage = next;
  [node] = stage.nodes as [StageNode];
});

const startOperator = (): StagedOperator => stage.startOperator();
const ref = (name: string) => ({ namespace: stage.namespace, name });
const drain = (name: string, more: object = {}, parameters: object = {}): Promise<ExperimentObject> =>
  stage.apply(name, {
    target: { kind: 'Node', names: [node.name] },
    action: { type: 'node-drain', parameters: { force: true, ...parameters } },
    duration: '10m',
    ...more,
  });
const evidenceOf = ({ status }: ExperimentObject) => status?.targets?.[0]?.evidence;
const verified = (object: ExperimentObject): boolean => evidenceOf(object)?.verdict === 'Verified';
const id = ({ metadata }: ExperimentObject): string => `${stage.namespace}/${metadata.name}/${metadata.uid ?? ''}`;

async function remove(name: string): Promise<void> {
  await stage.client.delete(chaosExperiments, ref(name));
  await eventually(`${name} is gone`, async () => ((await stage.get(name)) === undefined ? true : undefined));
}

async function budget(name: string, app: string, minAvailable: number): Promise<void> {
  const spec = { minAvailable, selector: { matchLabels: { app } } };
  await stage.client.create(podDisruptionBudgets, { metadata: ref(name), spec });
  await eventually(`the budget ${name} is counted`, async () => {
    const found = (await stage.client.get(podDisruptionBudgets, ref(name))) as { status?: { expectedPods?: number } };
    return (found.status?.expectedPods ?? 0) > 0;
  });
}

describe('a drain', () => {
  test('cordons its node, evicts its pods and no others, and is gone when the node is uncordoned', async () => {
    await addWork(stage, node, 'one');
    await addWork(stage, node, 'two');
    await addWork(stage, stage.nodes[1]!, 'elsewhere');
    startOperator();
    const object = await drain('drain');
    const seen = await stage.until('drain', verified);
    expect(evidenceOf(seen)).toMatchObject({
      summary: '2 of 2 pods gone',
      counters: { pods_found: 2, pods_gone: 2 },
      notes: ['1 pod stays: of ChaosPlane'],
    });
    expect(seen.status?.targets?.[0]).not.toHaveProperty('expiresAt');
    expect(await viewOf(stage, node)).toEqual({
      ...clean,
      cordoned: true,
      holds: { 'chaosplane.io/cordoned-by': id(object) },
    });
    expect(await work(stage, 'app in (one,two,elsewhere)')).toEqual(['elsewhere']);
    await remove('drain');
    expect(await viewOf(stage, node)).toEqual(clean);
  });

  test('of two of one node the last one uncordons it, and a cordon of others stays', async () => {
    await cordonByHand(stage, stage.nodes[1]!, true);
    startOperator();
    const target = { kind: 'Node', names: stage.nodes.map(({ name }) => name), mode: 'all' };
    for (const name of ['a', 'b']) await drain(name, { target });
    for (const name of ['a', 'b']) await stage.until(name, isEffective);
    const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
    await stage.client.patch(chaosExperiments, ref('a'), { kind: 'merge', body });
    await stage.until('a', isOver);
    expect((await viewOf(stage, node)).cordoned).toBe(true);
    await remove('b');
    expect(await viewOf(stage, node)).toEqual(clean);
    expect(await viewOf(stage, stage.nodes[1]!)).toEqual({ ...clean, cordoned: true });
  });

  test('that meets a budget that allows none waits until its timeout, and names it', async () => {
    await addWork(stage, node, 'held', { labels: { app: 'held' } });
    await addWork(stage, node, 'free');
    await budget('keep-one', 'held', 1);
    startOperator();
    await drain('drain', { duration: '14s' }, { timeout: '8s' });
    const over = await stage.until('drain', isOver, 60_000);
    expect(over.status).toMatchObject({ phase: 'Failed', verdict: 'NotHeld', counts: { recovered: 1 } });
    expect(evidenceOf(over)).toMatchObject({ verdict: 'NotObserved', summary: '1 of 2 pods gone, 1 still there' });
    const [why, ...others] = evidenceOf(over)?.notes ?? [];
    expect(why).toContain(`${stage.namespace}/held is in the way: The disruption budget keep-one needs 1 healthy pods`);
    expect(others).toContain('evictions ended after 8s');
    expect(await work(stage, 'app in (held,free)')).toEqual(['held']);
    expect(await viewOf(stage, node)).toEqual(clean);
  });

  test('goes on as soon as a budget allows it', async () => {
    for (const name of ['one', 'two']) await addWork(stage, node, name, { labels: { app: 'web' } });
    await budget('web', 'web', 1);
    startOperator();
    await drain('drain');
    const left = await eventually('one is evicted', async () => {
      const found = await work(stage, 'app=web');
      return found.length === 1 ? found : undefined;
    });
    const blocked = 'is in the way: The disruption budget web needs 1 healthy pods and has 1 currently';
    await stage.until('drain', (object) => evidenceOf(object)?.notes[0]?.endsWith(blocked) === true);
    await addWork(stage, stage.nodes[1]!, 'three', { labels: { app: 'web' } });
    await stage.until('drain', verified);
    expect(await work(stage, 'app=web')).toEqual(['three']);
    expect(left).not.toEqual(['three']);
    await remove('drain');
  });

  test('of a pod with two budgets gives it up at once, and names both', async () => {
    await addWork(stage, node, 'twice', { labels: { app: 'twice' } });
    await budget('first', 'twice', 0);
    await budget('second', 'twice', 0);
    startOperator();
    await drain('drain', { duration: '4s' });
    const over = await stage.until('drain', isOver, 60_000);
    expect(evidenceOf(over)?.notes[0]).toBe(
      `${stage.namespace}/twice is in the way: it has more than one PodDisruptionBudget (first, second), and so cannot be evicted`,
    );
    expect(await work(stage, 'app=twice')).toEqual(['twice']);
  });

  test('of a node with pods that would not come back is missed, and the node is not cordoned', async () => {
    await addWork(stage, node, 'bare');
    startOperator();
    await drain('drain', {}, { force: false });
    const over = await stage.until('drain', isOver);
    expect(over.status).toMatchObject({ phase: 'Failed', message: expect.stringContaining('has no controller') });
    expect(await viewOf(stage, node)).toEqual(clean);
    expect(await work(stage, 'app=bare')).toEqual(['bare']);
  });

  test('in a dry run says what would be evicted and what is in the way, and changes nothing', async () => {
    await addWork(stage, node, 'held', { labels: { app: 'held' } });
    await addWork(stage, node, 'free');
    await budget('keep-one', 'held', 1);
    const seen = async (): Promise<unknown> =>
      (await stage.client.list(nodes)).items.map(({ spec, metadata: { annotations = {} } }) => {
        // What the node can do is written down meanwhile.
        const { [CAPABILITIES_ANNOTATION]: _told, ...others } = annotations;
        // Kubernetes taints a node that is new, and takes that away in its own time.
        const taints = spec?.taints?.filter(({ key }) => !key.startsWith('node.kubernetes.io/')) ?? [];
        return [{ ...spec, taints }, others];
      });
    const before = await seen();
    startOperator();
    await drain('dry', { execution: { dryRun: true } });
    const over = await stage.until('dry', isOver);
    const message = over.status?.targets?.[0]?.message ?? '';
    expect(message.split('\n')[0]).toBe(
      `would be hit: cordon the node ${node.name} and evict 2 pods, 1 of them not at this moment`,
    );
    expect(message).toContain(`evict ${stage.namespace}/free`);
    expect(message).toContain(`wait for ${stage.namespace}/held: The disruption budget keep-one`);
    expect(await work(stage, 'app in (held,free)')).toEqual(['free', 'held']);
    expect(await seen()).toEqual(before);
  });
});

describe('a cordon', () => {
  const begun = async (name = 'drain'): Promise<ExperimentObject> => {
    const object = await drain(name);
    await stage.until(name, isEffective);
    return object;
  };

  test('is taken away when the finalizer of its experiment was, and the experiment is gone', async () => {
    startOperator();
    await begun();
    const body = { metadata: { finalizers: null } };
    await stage.client.patch(chaosExperiments, ref('drain'), { kind: 'merge', body });
    await stage.client.delete(chaosExperiments, ref('drain'));
    await becomes(stage, node, clean);
  });

  test('is taken away by the next operator, where its experiment went while none was there', async () => {
    const first = startOperator();
    await begun();
    await first.stop();
    await stage.client.patch(chaosExperiments, ref('drain'), {
      kind: 'merge',
      body: { metadata: { finalizers: null } },
    });
    await stage.client.delete(chaosExperiments, ref('drain'));
    expect((await viewOf(stage, node)).cordoned).toBe(true);
    startOperator();
    await becomes(stage, node, clean);
  });

  test('is taken away before ChaosPlane is, although its operator does nothing any more', async () => {
    const operator = startOperator();
    await begun();
    await operator.stop();
    const tools = { client: stage.client, clock: systemClock, logger: createLogger({ level: 'silent' }) };
    const options = { namespace: stage.namespace, roleName: 'none', timeoutMs: 1000 };
    await uninstall(options, tools, new AbortController().signal);
    expect(await viewOf(stage, node)).toEqual(clean);
  });

  test('that is taken away by hand ends its execution, which says so; the next one by hand stays', async () => {
    startOperator();
    await begun();
    await cordonByHand(stage, node, false);
    const over = await stage.until('drain', isOver);
    expect(over.status).toMatchObject({
      phase: 'Failed',
      targets: [{ state: 'Recovered', endedEarly: 'its cordon was taken away by hand' }],
    });
    await cordonByHand(stage, node, true);
    await remove('drain');
    expect(await viewOf(stage, node)).toEqual({ ...clean, cordoned: true });
  });

  test('on a node that is removed counts as over, so that the experiment ends', async () => {
    startOperator();
    await begun();
    await stage.client.delete(nodes, { name: node.name });
    const over = await stage.until('drain', isOver);
    expect(over.status?.targets).toMatchObject([{ endedEarly: 'target gone: its node was removed' }]);
    await remove('drain');
  });

  test('stays while its experiment is deleted and the API server refuses the change, past every deadline', async () => {
    const refusing = { on: false };
    const patch: KubeClient['patch'] = (type, ...args) =>
      refusing.on && type.kind === 'Node'
        ? Promise.reject(new Error('nodes are not changed now'))
        : stage.operatorClient.patch(type, ...args);
    stage.startOperator({ client: { ...stage.operatorClient, patch } });
    await addWork(stage, node, 'one');
    await drain('drain', { duration: '1s', injectionTimeout: '1s', rollback: { timeout: '1s' } });
    await stage.until('drain', ({ status }) => {
      refusing.on = status?.effectiveAt !== undefined;
      return refusing.on;
    });
    await stage.client.delete(chaosExperiments, ref('drain'));
    const stuck = await stage.until(
      'drain',
      ({ status }) => status?.conditions?.some(({ type }) => type === 'Stuck') === true,
    );
    expect(stuck.status?.conditions?.find(({ type }) => type === 'Stuck')?.message).toContain('nodes are not changed');
    // By then an execution of a daemon would have ended in the kernel, and would not be waited for.
    await systemClock.sleep(40_000);
    expect((await stage.get('drain'))?.status?.counts).toMatchObject({ injected: 1, recovered: 0 });
    expect((await viewOf(stage, node)).cordoned).toBe(true);
    refusing.on = false;
    await eventually('it is gone', async () => ((await stage.get('drain')) === undefined ? true : undefined));
    expect(await viewOf(stage, node)).toEqual(clean);
  });
});

test('pods that come to a drained node, because they name it, stay and are told of', async () => {
  await addWork(stage, node, 'one');
  startOperator();
  await drain('drain');
  await stage.until('drain', verified);
  await systemClock.sleep(6000);
  const late = await addWork(stage, node, 'late');
  const seen = await stage.until(
    'drain',
    (object) => evidenceOf(object)?.notes.some((note) => note.includes('came')) === true,
  );
  expect(evidenceOf(seen)).toMatchObject({
    verdict: 'Verified',
    notes: expect.arrayContaining(['1 pod stays: came after the cordon']),
  });
  expect(await stage.client.get(pods, refOf(late))).toBeDefined();
  await remove('drain');
});
