/** Probes that count objects of a real API server, made by an operator that has the rights of the chart and no others; and who may ask for them. */
import { join } from 'node:path';
import { chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import {
  daemonSets,
  deployments,
  jobs,
  nodes,
  pods,
  statefulSets,
  type KubeObject,
  type ResourceType,
} from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { clientAs } from './chart-rights.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(180_000);

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');

let fixture: ApiServerFixture;
let stage: Stage;
let serial = 0;

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 1 });
  await stage.addPod('web-0', stage.nodes[0]!);
  stage.startOperator();
}, 600_000);
afterAll(async () => {
  await stage.close();
  await fixture.close();
}, 60_000);

async function apply(template: string): Promise<void> {
  const input = await fixture.cluster.helm(['template', CHART, '-n', stage.namespace, '-s', template]);
  await fixture.cluster.kubectl(['apply', '-f', '-'], { input });
}

const specWith = (...before: readonly object[]): object => ({
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '100ms',
  steadyState: { before: before.map((fields) => ({ type: 'k8s', ...fields })) },
});

/** What the condition SteadyState says, and how the experiment ended. */
async function ask(fields: object): Promise<string> {
  const name = `probe-${++serial}`;
  await stage.apply(name, specWith(fields));
  const { status } = await stage.until(name, (object: ExperimentObject) => object.status?.endedAt !== undefined);
  const told = status?.conditions?.find(({ type }) => type === 'SteadyState');
  return `${status?.phase ?? ''} ${told?.status ?? ''} ${told?.reason ?? ''} ${told?.message ?? ''}`;
}

const labelled = (app: string): object => ({ labelSelector: { matchLabels: { app } } });
const all = { ready: { share: '100%' } };

/** A workload whose pods no kubelet starts. */
async function create<T extends KubeObject>(type: ResourceType<T>, name: string, spec: object, pod: object = {}) {
  const labels = { app: name };
  const containers = [{ name: 'app', image: 'none' }];
  const template = { metadata: { labels }, spec: { containers, tolerations: [{ operator: 'Exists' }], ...pod } };
  const { apiVersion, kind } = type;
  const metadata = { namespace: stage.namespace, name, labels };
  await stage.client.apply(type, { apiVersion, kind, metadata, spec: { ...spec, template } } as never, {
    fieldManager: 'test',
  });
  await eventually(`the controller of ${name}`, async () => (await podsOf(name)).length > 0);
}

async function podsOf(app: string) {
  const { items } = await stage.client.list(pods, { namespace: stage.namespace, labelSelector: `app=${app}` });
  return items;
}

/** What a kubelet would say of the pods of `app`. Its node being silent, the cluster soon takes it back. */
async function tell(app: string, status: object): Promise<void> {
  for (const { metadata } of await podsOf(app))
    await stage.client.patch(pods, metadata, { kind: 'merge', body: { status } }, { subresource: 'status' });
}

const READY = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
const selector = (name: string): object => ({ selector: { matchLabels: { app: name } } });

test('nodes and pods: those that are ready pass, those that are not fail, and none at all is an error', async () => {
  const node = stage.nodes[0]!.name;
  const said = 'before the faults: 1 of 1 Nodes are ready, at least 1 (100%) were asked for';
  expect(await ask({ kind: 'Node', names: [node], ...all })).toBe(`Completed True ProbesPassed ${said}`);
  expect(await ask({ kind: 'Node', names: ['nowhere'], ...all })).toBe(
    'Failed Unknown ProbeError before the faults: there is no Node called nowhere',
  );
  await tell('web', READY);
  expect(await ask({ kind: 'Pod', ...labelled('web'), ...all })).toContain('Completed True ProbesPassed');
  expect(await ask({ kind: 'Pod', names: ['web-0', 'web-1'], ready: { count: 2 } })).toContain(
    'Failed False ProbeFailed before the faults: 1 of 2 Pods are ready, not at least 2 (web-1: it is not there)',
  );
  expect(await ask({ kind: 'Pod', ...labelled('nothing'), ...all })).toContain(
    'Failed Unknown ProbeError before the faults: there is no Pod with these labels',
  );
});

test('the pods of workloads, as their own controllers count them', async () => {
  await create(deployments, 'shop', { replicas: 2, ...selector('shop') });
  await create(statefulSets, 'db', { serviceName: 'db', replicas: 1, ...selector('db') });
  await create(daemonSets, 'log', selector('log'));
  const none = 'Failed False ProbeFailed before the faults: 0 of';
  expect(await ask({ kind: 'Deployment', names: ['shop'], ...all })).toContain(`${none} 2 pods of 1 Deployment`);
  expect(await ask({ kind: 'StatefulSet', names: ['db'], ...all })).toContain(`${none} 1 pods of 1 StatefulSet`);
  expect(await ask({ kind: 'DaemonSet', ...labelled('log'), ...all })).toContain(`${none} 1 pods of 1 DaemonSet`);
  for (const app of ['shop', 'db', 'log']) await tell(app, READY);
  const again = { ...all, retries: 100, interval: '200ms' };
  for (const [kind, name] of [
    ['Deployment', 'shop'],
    ['StatefulSet', 'db'],
    ['DaemonSet', 'log'],
  ] as const)
    expect(await ask({ kind, names: [name], ...again })).toContain('Completed True ProbesPassed');
});

test('a Job, when it is complete', async () => {
  await create(jobs, 'once', {}, { restartPolicy: 'Never' });
  expect(await ask({ kind: 'Job', names: ['once'], ...all })).toContain(
    'Failed False ProbeFailed before the faults: 0 of 1 Jobs are ready, not at least 1 (100%) (once: it is not complete)',
  );
  await tell('once', { phase: 'Succeeded' });
  expect(await ask({ kind: 'Job', names: ['once'], ...all, retries: 100, interval: '200ms' })).toContain(
    'Completed True ProbesPassed before the faults: 1 of 1 Jobs are ready',
  );
});

test('the API server fills in no field of another type of probe, and refuses one that asks for nothing', async () => {
  await tell('web', READY);
  const object = await stage.apply('defaults', specWith({ kind: 'Pod', names: ['web-0'], ...all }));
  const [probe] = (object.spec as { steadyState: { before: object[] } }).steadyState.before;
  expect(probe).toEqual({ type: 'k8s', kind: 'Pod', names: ['web-0'], ...all, retries: 0 });
  const { status } = await stage.until('defaults', ({ status: known }) => known?.endedAt !== undefined);
  expect(status?.phase).toBe('Completed');
  const without = specWith({ kind: 'Pod', names: ['web-0'] });
  await expect(stage.apply('no-number', without)).rejects.toThrow('needs kind, ready, and names or labelSelector');
});

test('who may not list them may not have them counted; who may, may ask for every kind in one experiment', async () => {
  const { namespace } = stage;
  await apply('templates/admission.yaml');
  const kubectl = (...argv: string[]): Promise<string> => fixture.cluster.kubectl(argv);
  const user = 'anna';
  await kubectl('-n', namespace, 'create', 'role', 'write', '--verb=create,patch,get', '--resource=chaosexperiments');
  await kubectl('-n', namespace, 'create', 'role', 'kill', '--verb=delete', '--resource=pods');
  for (const role of ['write', 'kill'])
    await kubectl('-n', namespace, 'create', 'rolebinding', role, `--role=${role}`, `--user=${user}`);
  const anna = clientAs(fixture.cluster, user);
  const { apiVersion, kind } = chaosExperiments;
  const writeSpec = async (name: string, spec: object): Promise<string> => {
    const object = { apiVersion, kind, metadata: { namespace, name }, spec };
    return anna.apply(chaosExperiments, object as never, { fieldManager: 'test' }).then(
      () => 'created',
      (error: unknown) => String(error),
    );
  };
  const write = (name: string, ...before: readonly object[]): Promise<string> => writeSpec(name, specWith(...before));
  const kinds = [
    ['Pod', 'pods'],
    ['Deployment', 'deployments.apps'],
    ['StatefulSet', 'statefulsets.apps'],
    ['DaemonSet', 'daemonsets.apps'],
    ['Job', 'jobs.batch'],
    ['Node', 'nodes'],
  ] as const;
  const probes = kinds.map(([one]) => ({ kind: one, labelSelector: {}, ready: { count: 0 } }));
  for (const [index, [, plural]] of kinds.entries()) {
    const word = plural.split('.')[0] ?? '';
    await eventually(`the policy refuses ${word}`, async () =>
      (await write(`refused-${word}-${++serial}`, probes[index]!)).includes(`user anna may not list ${word}`),
    );
  }
  // Wherever a probe stands.
  const { steadyState: _before, ...spec } = specWith() as { steadyState: object };
  const counting = [{ type: 'k8s', kind: 'Pod', labelSelector: {}, ready: { count: 0 } }];
  for (const elsewhere of [
    ...[{ steadyState: { during: counting } }, { steadyState: { after: counting } }, { abortConditions: counting }],
  ])
    expect(await writeSpec(`refused-${++serial}`, { ...spec, ...elsewhere })).toContain('user anna may not list pods');
  const named = kinds.slice(0, -1).map(([, plural]) => plural);
  await kubectl('-n', namespace, 'create', 'role', 'look', '--verb=list', `--resource=${named.join(',')}`);
  await kubectl('-n', namespace, 'create', 'rolebinding', 'look', '--role=look', `--user=${user}`);
  await kubectl('create', 'clusterrole', 'look-at-nodes', '--verb=list', '--resource=nodes');
  await kubectl('create', 'clusterrolebinding', 'look-at-nodes', '--clusterrole=look-at-nodes', `--user=${user}`);
  await eventually('the rights are known', async () => (await write('every-kind', ...probes)) === 'created');
  expect(await stage.client.get(nodes, { name: stage.nodes[0]!.name })).toBeDefined();
});
