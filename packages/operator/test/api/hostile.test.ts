/** What users, nodes and namespaces do to an experiment that the operator must live with. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, jest, test } from '@jest/globals';
import { refOf } from '@chaosplane/kube';
import { chaosExperiments, chaosExperimentShards } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage, isEffective, isOver } from './each-on-stage.ts';
import { type Stage, type ApiServerFixture } from './stage.ts';

jest.setTimeout(120_000);

let stage: Stage;
let fixture: ApiServerFixture;

eachOnStage((...next) => {
  [stage, fixture] = next;
});

const web = { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' };
const delay = { type: 'network-delay', parameters: { latency: '100ms' } };

const ref = (name: string) => ({ namespace: stage.namespace, name });
const isGone = (name: string, limitMs?: number) =>
  eventually(`${name} is gone`, async () => ((await stage.get(name)) === undefined ? true : undefined), {
    withinMs: limitMs,
  });

async function onePodANode(): Promise<string> {
  for (const [index, node] of stage.nodes.entries()) await stage.addPod(`p${index}`, node);
  return stage.print();
}

test('an experiment whose list of targets was deleted is recovered on every node', async () => {
  const before = await onePodANode();
  stage.startOperator();
  await stage.apply('slow', { target: web, action: delay, duration: '10m' });
  await stage.until('slow', isEffective);
  // As the controller of namespaces does, with everything in a namespace that is deleted.
  const { items } = await stage.client.list(chaosExperimentShards, { namespace: stage.namespace });
  for (const shard of items) await stage.client.delete(chaosExperimentShards, refOf(shard));
  await stage.client.delete(chaosExperiments, ref('slow'));
  await isGone('slow');
  expect(stage.print()).toBe(before);
});

test('a target that a user wrote into the list, outside of the namespace that the experiment targets, is not hit', async () => {
  const elsewhere = await fixture.stage({ nodes: 0 });
  try {
    const [n1, n2] = stage.nodes;
    await stage.addPod('a', n1!);
    await stage.addPod('b', n2!);
    const victim = n1!.kernel.addPod('victim', {
      namespace: elsewhere.namespace,
      uid: 'victim-uid',
      path: '/run/netns/v',
    });
    const before = victim.netns.print();
    await stage.stopDaemon(n2!);
    stage.startOperator();
    await stage.apply('slow', { target: web, action: delay, duration: '1s', injectionTimeout: '6s' });
    await stage.until('slow', ({ status }) => status?.counts?.injected === 1);
    const { items } = await stage.client.list(chaosExperimentShards, { namespace: stage.namespace });
    const forged = {
      namespace: elsewhere.namespace,
      name: 'victim',
      uid: 'victim-uid',
      node: n1!.name,
      state: 'Selected' as const,
    };
    for (const shard of items)
      await stage.client.patch(chaosExperimentShards, refOf(shard), {
        kind: 'merge',
        body: { targets: [...shard.targets, forged] },
      });
    let hit = false;
    await stage.until('slow', (object) => {
      hit ||= victim.netns.print() !== before;
      return isOver(object);
    });
    expect(hit).toBe(false);
  } finally {
    await elsewhere.close();
  }
});

test('targets on a node that does not answer do not keep the others waiting', async () => {
  const [n1, n2] = stage.nodes;
  for (const name of ['a', 'b', 'c']) await stage.addPod(name, n1!);
  await stage.addPod('d', n2!);
  await stage.stopDaemon(n1!);
  stage.startOperator();
  await stage.apply('slow', {
    target: web,
    action: delay,
    duration: '1s',
    injectionTimeout: '10s',
    execution: { parallelism: 2 },
  });
  const over = await stage.until('slow', isOver);
  expect(over.status?.counts).toMatchObject({ missed: 3, recovered: 1 });
});

test('an experiment can be deleted while its probe waits for an answer', async () => {
  await onePodANode();
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  try {
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const before = [{ type: 'http', url: `http://127.0.0.1:${port}/`, timeout: '1h', retries: 3 }];
    stage.startOperator();
    await stage.apply('slow', { target: web, action: delay, duration: '10m', steadyState: { before } });
    await stage.until('slow', ({ status }) => status?.phase === 'SteadyStateChecking');
    await stage.client.delete(chaosExperiments, ref('slow'));
    await isGone('slow', 10_000);
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

test('an experiment that others hold, deleted before it began, ends', async () => {
  await stage.client.create(chaosExperiments, {
    metadata: { ...ref('held'), finalizers: ['example.com/hold'] },
    spec: { target: web, action: delay, duration: '10m' },
  });
  await stage.client.delete(chaosExperiments, ref('held'));
  stage.startOperator();
  const over = await stage.until('held', isOver);
  expect(over.status?.phase).toBe('Aborted');
  await stage.client.patch(chaosExperiments, ref('held'), { kind: 'merge', body: { metadata: { finalizers: [] } } });
});

test('an experiment whose node cannot undo its fault can be deleted once the fault is certainly over', async () => {
  const [node] = stage.nodes;
  const pod = await stage.addPod('a', node!);
  stage.startOperator();
  await stage.apply('slow', { target: web, action: delay, duration: '3s' });
  await stage.until('slow', isEffective);
  pod.fake.netns.nft.run = () => {
    throw new Error('the kernel says no');
  };
  await stage.client.delete(chaosExperiments, ref('slow'));
  await isGone('slow', 60_000);
});

test('one experiment more than a namespace may have under way is refused, says why, and works when one of them is over', async () => {
  const own = { target: web, action: delay, duration: '10m' };
  await stage.addPod('own', stage.nodes[0]!, { app: 'web' });
  stage.startOperator({ experimentsPerNamespace: 2 });
  for (const name of ['one', 'two']) {
    await stage.apply(name, own);
    await stage.until(name, isEffective);
  }
  await stage.apply('three', own);
  const { status } = await stage.until('three', isOver);
  expect(status).toMatchObject({ phase: 'Failed', counts: { targets: 0 } });
  expect(status?.conditions).toMatchObject([
    { type: 'Stalled', status: 'True', reason: 'Failed' },
    { type: 'Ready', status: 'False', reason: 'Failed' },
    { type: 'Selected', status: 'False', reason: 'TooManyExperiments' },
    { type: 'HypothesisHeld', status: 'Unknown', reason: 'NotRun' },
    { type: 'Failed', status: 'True' },
  ]);
  expect(status?.message).toMatch(/^2 experiments of the namespace \S+ are not over, and 2 may be at the same time: /);
  await stage.client.delete(chaosExperiments, ref('one'));
  await isGone('one');
  await stage.apply('four', own);
  await stage.until('four', isEffective);
});
