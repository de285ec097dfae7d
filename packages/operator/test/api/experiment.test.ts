/** Experiments from `kubectl apply` to their end, on a real API server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { chaosExperiments, chaosExperimentShards, FINALIZER, type ExperimentObject } from '../../src/api/resources.ts';
import { eventually, openTheatre, type Stage, type Theatre } from './stage.ts';

jest.setTimeout(90_000);

let theatre: Theatre;
let stage: Stage;

beforeAll(async () => {
  theatre = await openTheatre();
}, 600_000);
afterAll(() => theatre.close(), 60_000);
beforeEach(async () => {
  stage = await theatre.stage();
});
afterEach(() => stage.close());

const phaseIs =
  (phase: string) =>
  ({ status }: ExperimentObject): boolean =>
    status?.phase === phase;

const web = { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' };
const delay = { type: 'network-delay', parameters: { latency: '100ms' } };

/** Two pods, one on each node. */
async function twoPods(): Promise<string> {
  const [n1, n2] = stage.nodes;
  await stage.addPod('a', n1!);
  await stage.addPod('b', n2!);
  return stage.print();
}

describe('an experiment', () => {
  test('hits its targets on both nodes, says so, and leaves nothing', async () => {
    const before = await twoPods();
    stage.startOperator();
    await stage.apply('slow', { target: web, action: delay, duration: '3s' });
    const running = await stage.until('slow', ({ status }) => status?.effectiveAt !== undefined);
    expect(running.status?.counts).toMatchObject({ targets: 2, injected: 2, missed: 0 });
    expect(stage.print()).not.toBe(before);
    const over = await stage.until('slow', phaseIs('Completed'));
    expect(over.status?.targets?.map(({ name, state }) => [name, state])).toEqual([
      ['a', 'Recovered'],
      ['b', 'Recovered'],
    ]);
    expect(over.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual(
      expect.arrayContaining(['Selected=True', 'Injected=True', 'Recovered=True']),
    );
    expect(stage.print()).toBe(before);
    await eventually('the finalizer is gone', async () => {
      const object = await stage.get('slow');
      return object?.metadata.finalizers?.includes(FINALIZER) === true ? undefined : true;
    });
  });

  test('ends early by its annotation, and has recovered then', async () => {
    const before = await twoPods();
    stage.startOperator();
    await stage.apply('slow', { target: web, action: delay, duration: '10m' });
    await stage.until('slow', ({ status }) => status?.effectiveAt !== undefined);
    const body = { metadata: { annotations: { 'chaosplane.io/abort': 'true' } } };
    await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name: 'slow' }, { kind: 'merge', body });
    const over = await stage.until('slow', phaseIs('Aborted'));
    expect(over.status?.message).toMatch(/annotation/);
    expect(stage.print()).toBe(before);
  });

  test('that is deleted while it runs is gone only when everything has recovered', async () => {
    const before = await twoPods();
    stage.startOperator();
    await stage.apply('slow', { target: web, action: delay, duration: '10m' });
    await stage.until('slow', ({ status }) => status?.effectiveAt !== undefined);
    await stage.client.delete(chaosExperiments, { namespace: stage.namespace, name: 'slow' });
    await eventually('it is gone', async () => ((await stage.get('slow')) === undefined ? true : undefined));
    expect(stage.print()).toBe(before);
  });

  test('with a parameter that makes no sense fails at once, with every problem', async () => {
    stage.startOperator();
    await stage.apply('bad', {
      target: web,
      action: { type: 'network-delay', parameters: { latency: 'soon', ports: 'http' } },
      duration: '3s',
    });
    const over = await stage.until('bad', phaseIs('Failed'));
    expect(over.status?.message).toMatch(/latency: "soon" is not a duration.*"http" is not a port/);
    expect(over.metadata.finalizers ?? []).toEqual([]);
  });

  test('whose targets are nobody fails, and says why', async () => {
    await twoPods();
    stage.startOperator();
    await stage.apply('nobody', { target: { names: ['c'] }, action: delay, duration: '3s' });
    expect((await stage.until('nobody', phaseIs('Failed'))).status?.message).toMatch(/not among the names/);
  });

  test('in a dry run says what would be hit, and changes nothing', async () => {
    const before = await twoPods();
    stage.startOperator();
    await stage.apply('dry', { target: web, action: delay, duration: '3s', execution: { dryRun: true } });
    const over = await stage.until('dry', phaseIs('Completed'));
    expect(over.status?.message).toMatch(/2 of 4 pods would be hit/);
    expect(stage.print()).toBe(before);
    expect(stage.nodes.flatMap(({ journal }) => journal.writes)).toEqual([]);
  });

  test('whose target is on a node without a daemon misses it in time, and runs with the others', async () => {
    await twoPods();
    await stage.stopDaemon(stage.nodes[1]!);
    stage.startOperator();
    await stage.apply('half', { target: web, action: delay, duration: '1s', injectionTimeout: '3s' });
    const over = await stage.until('half', phaseIs('Completed'));
    expect(over.status?.counts).toMatchObject({ targets: 2, missed: 1, recovered: 1 });
  });

  test('whose node is gone for good can be deleted all the same', async () => {
    await twoPods();
    stage.startOperator();
    await stage.apply('lost', { target: web, action: delay, duration: '10m' });
    await stage.until('lost', ({ status }) => status?.effectiveAt !== undefined);
    await stage.stopDaemon(stage.nodes[1]!);
    await stage.client.delete(chaosExperiments, { namespace: stage.namespace, name: 'lost' });
    const stuck = await stage.until(
      'lost',
      ({ status }) => status?.phase === 'Recovering' && status.counts?.injected === 1,
    );
    expect(stuck.metadata.deletionTimestamp).toBeDefined();
    await theatre.cluster.kubectl(['delete', 'node', stage.nodes[1]!.name]);
    await eventually('it is gone', async () => ((await stage.get('lost')) === undefined ? true : undefined));
  });

  test('pod-kill deletes the pods that were chosen, and is verified', async () => {
    await twoPods();
    stage.startOperator();
    await stage.apply('kill', { target: { ...web, mode: 'one' }, action: { type: 'pod-kill' }, duration: '5s' });
    const over = await stage.until('kill', phaseIs('Completed'));
    expect(over.status?.verified).toBe('1/1');
    const left = await theatre.cluster.kubectl(['get', 'pods', '-n', stage.namespace, '-l', 'app=web', '-o', 'name']);
    expect(left.trim().split('\n')).toHaveLength(1);
  });

  test('with more targets than fit in one object keeps them in shards', async () => {
    const [n1, n2] = stage.nodes;
    const names = Array.from({ length: 620 }, (_, index) => `p${index}`);
    for (let index = 0; index < names.length; index += 20)
      await Promise.all(names.slice(index, index + 20).map((name, at) => stage.addPod(name, at % 2 === 0 ? n1! : n2!)));
    stage.startOperator();
    const execution = { parallelism: 50 };
    await stage.apply('many', { target: web, action: delay, duration: '5s', execution });
    const running = await stage.until('many', ({ status }) => status?.effectiveAt !== undefined, 60_000);
    expect(running.status?.counts?.injected).toBe(620);
    expect(running.status?.targets).toHaveLength(100);
    const { items } = await stage.client.list(chaosExperimentShards, { namespace: stage.namespace });
    expect(items.map(({ targets }) => targets.length).sort()).toEqual([120, 500]);
    const over = await stage.until('many', phaseIs('Completed'), 60_000);
    expect(over.status?.counts).toMatchObject({ targets: 620, recovered: 620 });
  }, 180_000);
});
