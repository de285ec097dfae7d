/** `npm run bench -- workflow`: what a workflow of many steps costs: the reducer for each event, and the API server for the whole. */
import { parseWorkflow, chaosWorkflows, chaosWorkflowShards, chaosExperiments, initialWorkflow } from '@chaosplane/api';
import { packages as clusterPackages } from '@chaosplane/testcluster';
import { graphOf, openWorkflow, type Seen, type SeenExperiment } from '@chaosplane/lifecycle';
import type { KubeClient, KubeObject, ResourceType } from '@chaosplane/kube';
import { setTimeout as sleep } from 'node:timers/promises';
import { openApiServerFixture, type Stage } from '@chaosplane/operator/stage';
import { bringPackages } from './needs.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const report = (line: string): void => void process.stderr.write(`${line}\n`);

const SIZES = [30, 100, 300] as const;

const experiment = {
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '1s',
  execution: { dryRun: true },
};

/** Steps in chains of ten, as many beside each other as there is room for; each step but the first of a chain waits for the one before. */
function specOf(steps: number): object {
  const names = Array.from({ length: steps }, (_, index) => `chain_${Math.floor(index / 10)}_step_${index % 10}`);
  return {
    templates: [{ name: 'slow', experiment }],
    steps: names.map((name, index) => ({
      ...{ name, template: 'slow', errorHandling: { strategy: 'continue' } },
      dependencies: index % 10 === 0 ? [] : [names[index - 1]],
    })),
    execution: { maxParallelism: 10 },
  };
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((one, other) => one - other)[Math.floor((values.length - 1) * share)] ?? NaN;

/** How long each event takes: an experiment is over, and what follows from it. Milliseconds. */
function reducerTimes(steps: number): readonly number[] {
  const document = { apiVersion: chaosWorkflows.apiVersion, kind: 'ChaosWorkflow', metadata: { name: 'flow' } };
  const { spec } = parseWorkflow({ ...document, spec: specOf(steps) }, 'cluster');
  const times: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const flow = openWorkflow(graphOf(spec.steps, spec.onExit), initialWorkflow, spec);
    const experiments = new Map<string, SeenExperiment>();
    const seen: Seen = {
      experiments,
      answers: new Map(),
      resumed: new Set(),
      wish: 'none',
      evaluate: () => ({ value: true }),
    };
    const open: string[] = [];
    const turn = (): void => {
      for (const { kind, id, attempt } of flow.turn(seen, round).effects) {
        if (kind !== 'create') continue;
        experiments.set(`${id}#${attempt}`, { state: 'under way' });
        open.push(`${id}#${attempt}`);
      }
    };
    turn();
    for (let key = open.shift(); key !== undefined; key = open.shift()) {
      experiments.set(key, { state: 'over', failed: false, wasEnded: false, message: '', result: { verdict: 'Held' } });
      const began = performance.now();
      turn();
      if (round > 4) times.push(performance.now() - began);
    }
  }
  return times;
}

/** A client that counts what it writes. */
function counting(client: KubeClient): { readonly client: KubeClient; readonly writes: Map<string, number> } {
  const writes = new Map<string, number>();
  const count = <T extends KubeObject>(verb: string, { kind }: ResourceType<T>): void => {
    if (kind === 'Lease' || kind === 'Event') return;
    const what = `${verb} ${kind}`;
    writes.set(what, (writes.get(what) ?? 0) + 1);
  };
  return {
    writes,
    client: {
      ...client,
      create: (type, ...args) => (count('create', type), client.create(type, ...args)),
      replace: (type, ...args) => (count('replace', type), client.replace(type, ...args)),
      apply: (type, ...args) => (count('apply', type), client.apply(type, ...args)),
      patch: (type, ...args) => (count('patch', type), client.patch(type, ...args)),
      delete: (type, ...args) => (count('delete', type), client.delete(type, ...args)),
    },
  };
}

const sizeOf = (object: object): number => Buffer.byteLength(JSON.stringify(object));

async function play(stage: Stage, steps: number): Promise<void> {
  const { namespace } = stage;
  const [node] = stage.nodes;
  if (node !== undefined) await stage.addPod('web', node);
  const { client, writes } = counting(stage.client);
  const operator = stage.startOperator({ client });
  const ref = { namespace, name: 'flow' };
  const { apiVersion, kind } = chaosWorkflows;
  const began = performance.now();
  await stage.client.apply(
    chaosWorkflows,
    { apiVersion, kind, metadata: ref, spec: specOf(steps) },
    { fieldManager: 'bench' },
  );
  let told = began;
  for (;;) {
    const object = await stage.client.get(chaosWorkflows, ref);
    if (object?.status?.endedAt !== undefined) break;
    if (performance.now() - told > 10_000) report(`${object?.status?.progress ?? ''} steps`);
    if (performance.now() - told > 10_000) told = performance.now();
    await sleep(500);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const objects = [
    await stage.client.get(chaosWorkflows, ref),
    ...(await stage.client.list(chaosWorkflowShards, { namespace })).items,
    ...(await stage.client.list(chaosExperiments, { namespace })).items,
  ].flatMap((object) => object ?? []);
  const [largest] = objects.toSorted((one, other) => sizeOf(other) - sizeOf(one));
  if (largest === undefined) throw new Error('the workflow is gone');
  const own = [...writes].filter(([what]) => /Workflow|create ChaosExperiment$/.test(what));
  const sum = own.reduce((all, [, count]) => all + count, 0);
  say(`\n${steps} steps on a real API server: ${seconds} s`);
  say(`  largest object   ${(sizeOf(largest) / 1024).toFixed(1)} KiB, a ${largest.kind}`);
  say(
    `  writes           ${sum} of the workflow, ${(sum / steps).toFixed(1)} for each step: ${own.map(([what, count]) => `${what} ${count}`).join(', ')}`,
  );
  const rest = [...writes].filter((one) => !own.includes(one));
  say(`  beside them      ${rest.map(([what, count]) => `${what} ${count}`).join(', ')}`);
  await operator.stop().catch(() => undefined);
}

export async function benchWorkflow(): Promise<void> {
  say('The reducer, for each event of a workflow of chains of ten steps, ten experiments at a time:');
  for (const steps of SIZES) {
    const times = reducerTimes(steps);
    say(
      `  ${String(steps).padStart(4)} steps   median ${(quantile(times, 0.5) * 1000).toFixed(0)} µs   p99 ${(quantile(times, 0.99) * 1000).toFixed(0)} µs`,
    );
  }
  await bringPackages(clusterPackages, 'the bench', report);
  const fixture = await openApiServerFixture();
  try {
    for (const steps of [30, 300]) {
      const stage = await fixture.stage({ nodes: 1 });
      await play(stage, steps).finally(() => stage.close());
    }
  } finally {
    await fixture.close();
    await fixture.cluster.stop();
  }
}
