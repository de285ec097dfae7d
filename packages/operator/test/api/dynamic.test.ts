/** Dynamic targets, with a real API server: pods are replaced while a fault is in force. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { chaosExperimentShards, EXPERIMENT_UID_LABEL, type ExperimentObject } from '@chaosplane/api';
import { events, pods } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { openApiServerFixture, type ApiServerFixture, type Stage, type StagePod } from './stage.ts';

jest.setTimeout(120_000);

let fixture: ApiServerFixture;
let stage: Stage;
let first: StagePod;

beforeAll(async () => {
  fixture = await openApiServerFixture();
}, 600_000);
afterAll(async () => {
  await fixture.close();
}, 60_000);
beforeEach(async () => {
  stage = await fixture.stage({ nodes: 2 });
  first = await stage.addPod('web-0', stage.nodes[0]!);
  await stage.addPod('web-1', stage.nodes[1]!);
}, 60_000);
afterEach(async () => {
  await stage.close();
}, 60_000);

const spec = {
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all', dynamic: true },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '10m',
};

const injected = ({ status }: ExperimentObject): string[] =>
  (status?.targets ?? []).flatMap(({ name, state }) => (state === 'Injected' ? [name] : [])).sort();

/** What the kernel of its node has of that pod. */
function kernelOf(name: string): string {
  const [, told = ''] = stage.print().split(`# ${name}\n`);
  return told.split(/^#/m)[0] ?? '';
}

/** What is told of that pod, in the order of its time. */
async function eventsOf(pod: string): Promise<string[]> {
  const { items } = await stage.client.list(events, { namespace: stage.namespace });
  return items
    .filter(({ regarding }) => regarding?.kind === 'Pod' && regarding.name === pod)
    .toSorted((a, b) => (a.eventTime < b.eventTime ? -1 : 1))
    .map(({ reason, note }) => `${reason} ${note ?? ''}`);
}

async function replace(pod: StagePod, name: string): Promise<void> {
  const { metadata } = pod.object;
  await stage.client.delete(pods, metadata, { uid: metadata.uid!, gracePeriodSeconds: 0 });
  pod.node.kernel.removePod(pod.fake);
  await stage.addPod(name, pod.node);
}

test('a pod that takes the place of another is hit, and everything is recovered at the end, by another operator, too', async () => {
  const clean = kernelOf('web-1');
  const operator = stage.startOperator();
  await stage.apply('dynamic', spec);
  await stage.until('dynamic', (object) => injected(object).length === 2);
  await replace(first, 'web-2');
  await stage.until('dynamic', (object) => injected(object).join() === 'web-1,web-2');
  expect(kernelOf('web-2')).not.toBe(clean);
  await operator.stop();
  stage.startOperator();
  await stage.addPod('web-3', stage.nodes[1]!);
  const running = await stage.until('dynamic', (object) => injected(object).join() === 'web-1,web-2,web-3');
  const { name, uid } = running.metadata;
  const { items } = await stage.client.list(chaosExperimentShards, {
    namespace: stage.namespace,
    labelSelector: `${EXPERIMENT_UID_LABEL}=${uid ?? ''}`,
  });
  expect(items.flatMap(({ targets }) => targets.map((target) => target.name))).toHaveLength(4);
  await fixture.cluster.kubectl([
    ...['-n', stage.namespace, 'annotate', 'chaosexperiment', name, 'chaosplane.io/abort=true'],
  ]);
  const { status } = await stage.until(name, (object) => object.status?.endedAt !== undefined);
  expect(status).toMatchObject({ phase: 'Aborted', counts: { targets: 4, recovered: 4, injected: 0 } });
  expect(['web-1', 'web-2', 'web-3'].map(kernelOf)).toEqual([clean, clean, clean]);
  const by = `network-delay of the experiment ${stage.namespace}/dynamic`;
  for (const pod of ['web-0', 'web-1', 'web-3'])
    await eventually(`the events of ${pod}`, async () => {
      const notes = await eventsOf(pod);
      return (
        notes.length === 2 && notes[0] === `ChaosInjected hit by ${by}` && notes[1]!.includes(`${by} is over after`)
      );
    });
});

test('what an operator had chosen and not written into the status is chosen again by the next', async () => {
  const operator = stage.startOperator();
  await stage.apply('dynamic', spec);
  const { metadata } = await stage.until('dynamic', (object) => injected(object).length === 2);
  await operator.stop();
  const { items } = await stage.client.list(chaosExperimentShards, {
    namespace: stage.namespace,
    labelSelector: `${EXPERIMENT_UID_LABEL}=${metadata.uid ?? ''}`,
  });
  const [shard] = items;
  const draft = { namespace: stage.namespace, name: 'gone', uid: 'u-gone', state: 'Selected' as const };
  await stage.client.replace(chaosExperimentShards, { ...shard!, targets: [...shard!.targets, draft] });
  stage.startOperator();
  await stage.addPod('web-2', stage.nodes[0]!);
  const { status } = await stage.until('dynamic', (object) => injected(object).length === 3);
  expect(status?.phase).toBe('Running');
  expect(status?.targets?.map(({ name }) => name).sort()).toEqual(['web-0', 'web-1', 'web-2']);
});

test('an action that happens once is refused with dynamic targets', async () => {
  await expect(stage.apply('again', { ...spec, action: { type: 'pod-kill' } })).rejects.toThrow(
    'this action happens once to each target',
  );
  await eventually('nothing of it is there', async () => (await stage.get('again')) === undefined);
});
