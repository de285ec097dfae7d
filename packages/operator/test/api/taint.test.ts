/** Taints on a real API server, by an operator with the rights of the chart: those of others are never lost, and its own is taken away. */
import { expect, jest, test } from '@jest/globals';
import { nodes, type Taint } from '@chaosplane/kube';
import { chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage, isEffective, isOver } from './each-on-stage.ts';
import { addWork, clean, readNode, viewOf, work } from './nodes-on-stage.ts';
import type { StageNode } from './stage-node.ts';
import type { Stage } from './stage.ts';

jest.setTimeout(180_000);

let stage: Stage;
let node: StageNode;

eachOnStage((next) => {
  stage = next;
  [node] = stage.nodes as [StageNode];
});

const ref = (name: string) => ({ namespace: stage.namespace, name });
const taint = (name: string, parameters: object = {}, more: object = {}): Promise<ExperimentObject> =>
  stage.apply(name, {
    target: { kind: 'Node', names: [node.name] },
    action: {
      type: 'node-taint',
      parameters: { key: 'example.com/k', value: 'v', effect: 'NoSchedule', ...parameters },
    },
    duration: '10m',
    ...more,
  });

async function remove(name: string): Promise<void> {
  await stage.client.delete(chaosExperiments, ref(name));
  await eventually(`${name} is gone`, async () => ((await stage.get(name)) === undefined ? true : undefined));
}

/** As another program does it: over the version that it has read, again and again. */
async function change(edit: (taints: readonly Taint[]) => readonly Taint[]): Promise<void> {
  for (;;) {
    const { metadata, spec } = (await readNode(stage, node))!;
    const taints = edit(spec?.taints ?? []);
    const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { taints } };
    const done = await stage.client.patch(nodes, { name: node.name }, { kind: 'merge', body }).catch(() => undefined);
    if (done !== undefined) return;
  }
}

test('a taint comes and goes beside those of others, their times included, while these change all the time', async () => {
  // As the node's controller does it, with the moment of a failover in it; its own it takes away here, because the node is ready.
  const unreachable: Taint = {
    key: 'example.org/unreachable',
    effect: 'NoExecute',
    timeAdded: '2026-01-01T00:00:00Z',
  };
  await change((taints) => [...taints, unreachable]);
  stage.startOperator();
  const busy = new AbortController();
  let changes = 0;
  const others = (async () => {
    while (!busy.signal.aborted) {
      changes += 1;
      const next = { key: 'others', value: String(changes), effect: 'NoSchedule' };
      await change((taints) => [...taints.filter(({ key }) => key !== 'others'), next]);
      const found = (await readNode(stage, node))?.spec?.taints?.find(({ key }) => key === 'others');
      if (found?.value !== next.value) throw new Error(`${JSON.stringify(found)} in place of ${JSON.stringify(next)}`);
    }
  })();
  for (let round = 0; round < 3; round++) {
    await taint('taint');
    const seen = await stage.until('taint', isEffective);
    expect((await viewOf(stage, node)).taints).toContain('example.com/k=v:NoSchedule');
    expect(seen.status?.targets?.[0]?.evidence).toMatchObject({ verdict: 'Verified' });
    await remove('taint');
    expect((await viewOf(stage, node)).taints).toEqual([
      'example.org/unreachable=:NoExecute',
      expect.stringMatching(/^others=\d+:NoSchedule$/),
    ]);
  }
  busy.abort();
  await others;
  expect(changes).toBeGreaterThan(10);
  expect((await readNode(stage, node))?.spec?.taints).toContainEqual(unreachable);
  expect((await viewOf(stage, node)).holds).toEqual({});
});

test('a taint that is there already is not shared with its owner: the experiment fails, and it stays', async () => {
  await change((taints) => [...taints, { key: 'example.com/k', value: 'theirs', effect: 'NoSchedule' }]);
  stage.startOperator();
  await taint('taint');
  const over = await stage.until('taint', isOver);
  const message = expect.stringContaining('it has the taint example.com/k=theirs:NoSchedule of another program');
  expect(over.status).toMatchObject({ phase: 'Failed', message });
  await remove('taint');
  expect(await viewOf(stage, node)).toEqual({ ...clean, taints: ['example.com/k=theirs:NoSchedule'] });
});

test('two experiments share a taint, and the last one takes it away', async () => {
  stage.startOperator();
  for (const name of ['a', 'b']) await taint(name);
  for (const name of ['a', 'b']) await stage.until(name, isEffective);
  await remove('a');
  expect((await viewOf(stage, node)).taints).toEqual(['example.com/k=v:NoSchedule']);
  await remove('b');
  expect(await viewOf(stage, node)).toEqual(clean);
});

test('NoExecute has Kubernetes delete what does not tolerate it, which a dry run counts before', async () => {
  const exists = (more: object = {}) => ({ tolerations: [{ key: 'example.com/k', operator: 'Exists', ...more }] });
  await addWork(stage, node, 'goes', { tolerations: [] });
  await addWork(stage, node, 'stays', exists());
  await addWork(stage, node, 'later', exists({ effect: 'NoExecute', tolerationSeconds: 3600 }));
  stage.startOperator();
  const parameters = { effect: 'NoExecute' };
  await taint('dry', parameters, { execution: { dryRun: true } });
  const dry = await stage.until('dry', isOver);
  const said = dry.status?.targets?.[0]?.message ?? '';
  // The daemon's pod is of no DaemonSet here.
  expect(said).toContain('Kubernetes deletes 2 pods, and asks no budget: 2 without a controller do not come back');
  expect(said).toContain(`delete ${stage.namespace}/goes`);
  expect(said).toContain('1 pod tolerates it for a while, 3600 s at most');
  expect(await viewOf(stage, node)).toEqual(clean);
  expect(await work(stage, 'app')).toEqual(['goes', 'later', 'stays']);
  await taint('taint', parameters);
  await eventually('it is gone', async () => (await work(stage, 'app')).join(), {
    is: (left) => left === 'later,stays',
  });
  await remove('taint');
  expect(await viewOf(stage, node)).toEqual(clean);
});

test('a taint that is taken away by hand ends its execution, and is not put again', async () => {
  stage.startOperator();
  await taint('taint');
  await stage.until('taint', isEffective);
  await change((taints) => taints.filter(({ key }) => key !== 'example.com/k'));
  const over = await stage.until('taint', isOver);
  expect(over.status?.targets).toMatchObject([{ endedEarly: 'its taint was taken away by hand' }]);
  expect(await viewOf(stage, node)).toEqual(clean);
});
