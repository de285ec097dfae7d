/** Ways around the policies and the rights that leave the rules alone: by time, by names, and by what others clean up. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { chaosExperiments } from '@chaosplane/api';
import { configMaps, type KubeObject } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage, isEffective, isOver } from './each-on-stage.ts';
import { deletePolicies, writePolicy } from './policies.ts';
import type { Stage } from './stage.ts';

jest.setTimeout(120_000);

let stage: Stage;
eachOnStage((next) => {
  stage = next;
});
afterEach(() => deletePolicies(stage));

const delay = { type: 'network-delay', parameters: { latency: '100ms' } };
const slow = { target: { labelSelector: { matchLabels: { app: 'web' } } }, action: delay, duration: '10m' };
const ref = (name: string) => ({ namespace: stage.namespace, name });
const outcome = async (name: string): Promise<string> => (await stage.until(name, isOver)).status?.message ?? '';

test('two experiments of one moment, which together are too much, are not both begun', async () => {
  for (const [index, node] of stage.nodes.entries()) await stage.addPod(`p${index}`, node);
  await writePolicy(stage, 'one', { targetLimits: { maxTargets: 1 } });
  stage.startOperator();
  const names = ['first', 'second'];
  await Promise.all(names.map((name, index) => stage.apply(name, { ...slow, target: { names: [`p${index}`] } })));
  const settled = await Promise.all(names.map((name) => stage.until(name, (it) => isOver(it) || isEffective(it))));
  const phases = settled.map(({ status }) => status?.phase).toSorted();
  expect(phases).toEqual(['Failed', 'Running']);
});

test('one that was created before its policy, while no operator ran, is judged when it would begin', async () => {
  const { fake } = await stage.addPod('p', stage.nodes[0]!);
  const before = fake.netns.print();
  await stage.apply('early', slow);
  await writePolicy(stage, 'stop', { halt: true });
  stage.startOperator();
  expect(await outcome('early')).toMatch(/rule halt/);
  expect(fake.netns.print()).toBe(before);
});

test('one that was refused and is corrected in place is judged again', async () => {
  await stage.addPod('p', stage.nodes[0]!);
  await writePolicy(stage, 'short', { actionLimits: { maxDuration: '10s' } });
  stage.startOperator();
  await stage.apply('corrected', slow);
  expect(await outcome('corrected')).toMatch(/10m is longer than 10s/);
  await stage.apply('corrected', { ...slow, duration: '5m' });
  await stage.until('corrected', ({ status }) => isOverAt(status?.message, '5m is longer than 10s'));
  await stage.apply('corrected', { ...slow, duration: '1s' });
  await stage.until('corrected', ({ status }) => status?.phase === 'Completed');
});

const isOverAt = (message: string | undefined, part: string): boolean => message?.includes(part) === true;

test.each(['Team-B', ' shop'])('a namespace written as "%s" is no namespace, and nothing is hit', async (namespace) => {
  const { fake } = await stage.addPod('p', stage.nodes[0]!);
  const before = fake.netns.print();
  stage.startOperator();
  await stage.apply('named', { ...slow, target: { ...slow.target, namespace, mode: 'all' } });
  expect(await outcome('named')).toMatch(/spec\.target\.namespace: ".*" is not the name of a namespace/);
  expect(fake.netns.print()).toBe(before);
});

test('an abort that is taken back ends the experiment all the same', async () => {
  const { fake } = await stage.addPod('p', stage.nodes[0]!);
  const before = fake.netns.print();
  stage.startOperator();
  await stage.apply('aborted', slow);
  await stage.until('aborted', isEffective);
  const annotate = (value: string | null) =>
    stage.client.patch(chaosExperiments, ref('aborted'), {
      kind: 'merge',
      body: { metadata: { annotations: { 'chaosplane.io/abort': value } } },
    });
  await annotate('true');
  await stage.until('aborted', ({ status }) => status?.phase !== 'Running');
  await annotate(null);
  const { status } = await stage.until('aborted', isOver);
  expect(status?.phase).toBe('Aborted');
  expect(fake.netns.print()).toBe(before);
});

test('one whose owner is deleted, which deletes it as well, is recovered first', async () => {
  const { fake } = await stage.addPod('p', stage.nodes[0]!);
  const before = fake.netns.print();
  const owner: KubeObject = await stage.client.create(configMaps, { metadata: ref('owner') });
  stage.startOperator();
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid ?? '' };
  await stage.client.create(chaosExperiments, {
    metadata: { ...ref('owned'), ownerReferences: [reference] },
    spec: slow,
  });
  await stage.until('owned', isEffective);
  expect(fake.netns.print()).not.toBe(before);
  await stage.client.delete(configMaps, ref('owner'));
  await eventually('it is gone', async () => (await stage.get('owned')) === undefined, { withinMs: 30_000 });
  expect(fake.netns.print()).toBe(before);
});
