/** A workflow is no way around one's own rights: who writes it is asked for those of all of its templates, and the operator alone makes its steps. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { API_VERSION, chaosWorkflows, chaosWorkflowShards, workflowOwner } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { experiment } from './schedules.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(120_000);

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');
const TEMPLATES = ['templates/admission.yaml', 'templates/operator/rbac.yaml', 'templates/user-roles.yaml'];

let fixture: ApiServerFixture;
let stage: Stage;
let operator: string;

/** Namespaces of which alice may delete the pods. */
const hers = Array.from({ length: 7 }, (_, index) => `hers-${index}`);

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 1 });
  const { namespace } = stage;
  operator = `system:serviceaccount:${namespace}:chaosplane-operator`;
  const argv = ['template', CHART, '-n', namespace, ...TEMPLATES.flatMap((it) => ['-s', it])];
  await fixture.cluster.kubectl(['apply', '-f', '-'], { input: await fixture.cluster.helm(argv) });
  // Both may write all of ChaosPlane. Mallory may delete no pod; alice those of these namespaces.
  for (const user of ['mallory', 'alice'])
    await kubectl(['create', 'rolebinding', user, '--clusterrole=chaosplane-edit', `--user=${user}`]);
  await fixture.cluster.kubectl(['create', 'clusterrole', 'pods', '--verb=delete,list', '--resource=pods']);
  for (const name of hers) await fixture.cluster.kubectl(['create', 'namespace', name]);
  for (const name of [namespace, ...hers])
    await fixture.cluster.kubectl(['create', 'rolebinding', 'pods', '-n', name, '--clusterrole=pods', '--user=alice']);
  await eventually(
    'the policy is in force',
    async () => (await write('early', [])).includes('may not delete pods') || undefined,
    { withinMs: 30_000 },
  );
}, 600_000);
afterAll(async () => {
  await stage.close();
  await fixture.close();
}, 60_000);

async function kubectl(argv: readonly string[], input = ''): Promise<string> {
  return fixture.cluster.kubectl([...argv, '-n', stage.namespace], { input }).catch((error: unknown) => String(error));
}

/** What kubectl says to who creates an object. */
function make(
  kind: string,
  metadata: object,
  spec: object,
  user: string,
  ...flags: readonly string[]
): Promise<string> {
  const object = JSON.stringify({ apiVersion: API_VERSION, kind, metadata, spec });
  return kubectl(['create', '-f', '-', `--as=${user}`, ...flags], object);
}

/** A workflow of one step, with the first of these templates. */
const specOf = (templates: readonly object[], change: object = {}) => ({
  templates: templates.map((template, index) => ({ name: `t${index}`, ...template })),
  steps: [{ name: 'a', template: 't0' }],
  ...change,
});

const own = { experiment };
const waits = { delay: '1s' };
const on = (namespace: string): { readonly experiment: object } => ({
  experiment: { ...experiment, target: { ...experiment.target, namespace } },
});
const onNodes = {
  experiment: { target: { kind: 'Node', names: ['n'] }, action: { type: 'stress-cpu' }, duration: '1s' },
};

/** Writes a workflow whose first template hits pods of its own namespace, beside these. */
const write = (name: string, more: readonly object[], user = 'mallory', ...flags: readonly string[]): Promise<string> =>
  make('ChaosWorkflow', { name }, specOf([own, ...more]), user, ...flags);

/** Whether the API server would take templates from alice. */
const asAlice = (...templates: readonly object[]): Promise<string> =>
  make('ChaosWorkflow', { name: 'asked' }, specOf(templates), 'alice', '--dry-run=server');

const probe = (change: object): object => ({ type: 'http', url: 'http://shop', ...change });
const secret = (name: string): object => ({ name: 'A', valueFrom: { secretKeyRef: { name, key: 'k' } } });

test('who may not delete pods may not write a workflow that hits them by any template', async () => {
  const refused = 'user mallory may not delete pods in the namespace';
  expect(await write('first', [])).toContain(`${refused} ${stage.namespace}`);
  const nested = { workflow: { steps: [{ name: 'x', template: 't2' }] } };
  expect(await make('ChaosWorkflow', { name: 'nested' }, specOf([nested, waits, own]), 'mallory')).toContain(refused);
  expect(await make('ChaosWorkflow', { name: 'unused' }, specOf([waits, own]), 'mallory')).toContain(refused);
  expect(await make('ChaosWorkflow', { name: 'waits' }, specOf([waits]), 'mallory')).toContain('created');
});

test('who may delete those of some namespaces may hit these, and nothing else', async () => {
  await write('mine', [on('hers-0')], 'alice');
  expect(await asAlice(own, on('hers-1'), on('kube-system'))).toContain(
    'user alice may not delete pods in the namespace kube-system',
  );
  expect(await asAlice(own, onNodes)).toContain('user alice may not delete nodes');
});

test('a parameter stands for nothing that rights are asked about', async () => {
  const parameter = '${{ parameters.x }}';
  const target = { ...experiment.target, kind: parameter };
  const parameters = [{ name: 'x', default: 'hers-0' }];
  const peers = [{ podSelector: { namespace: parameter, labelSelector: {} } }];
  const abortConditions = (change: object): object => ({
    experiment: { ...experiment, abortConditions: [probe(change)] },
  });
  for (const template of [
    on(parameter),
    on('hers-${{parameters.x}}'),
    { experiment: { ...experiment, target } },
    { experiment: { ...experiment, peers } },
    abortConditions({ type: parameter }),
    abortConditions({ kind: parameter }),
    abortConditions({ headers: [secret(parameter)] }),
  ])
    expect(await asAlice({ ...template, parameters })).toContain(
      'a parameter cannot stand for the kind or the namespace',
    );
  const latency = { ...experiment.action, parameters: { latency: parameter } };
  const filled = { parameters, experiment: { ...experiment, action: latency } };
  expect(await asAlice(filled)).toContain('(server dry run)');
});

test('six namespaces, four of peers, six Secrets; the limit is told', async () => {
  const told = await asAlice(...hers.map(on));
  expect(told).toContain('it targets pods in more than 6 namespaces, which is the limit');
  const [one = '', ...six] = hers;
  // A hundred templates at most.
  const many = Array.from({ length: 94 }, () => on(one));
  expect(await asAlice(...six.map(on), ...many.map(() => on(six[0] ?? '')))).toContain('(server dry run)');
  expect(await asAlice(...six.map(on), on('kube-system'))).toContain('more than 6 namespaces');
  expect(await asAlice(...six.slice(1).map(on), on('kube-system'))).toContain(
    'may not delete pods in the namespace kube',
  );

  const peer = (namespace: string): object => ({ podSelector: { namespace, labelSelector: {} } });
  const withPeers = (...namespaces: readonly string[]): object => ({
    experiment: { ...experiment, peers: namespaces.map(peer) },
  });
  expect(await asAlice(withPeers(...hers.slice(0, 3)), withPeers(hers[3] ?? '', one))).toContain('(server dry run)');
  expect(await asAlice(withPeers(...hers.slice(0, 3)), withPeers(...hers.slice(3, 5)))).toContain(
    'it has peers in more than 4 namespaces',
  );
  expect(await asAlice(withPeers(one, 'kube-system'))).toContain(
    'user alice may not list pods in the namespace kube-system of its peers',
  );
  const sends = (...names: readonly string[]): object => ({ probe: probe({ headers: names.map(secret) }) });
  const names = Array.from({ length: 7 }, (_, index) => `s${index}`);
  await kubectl([
    'create',
    'role',
    'secrets',
    '--verb=get',
    '--resource=secrets',
    ...names.map((name) => `--resource-name=${name}`),
  ]);
  await kubectl(['create', 'rolebinding', 'secrets', '--role=secrets', '--user=alice']);
  await eventually('six Secrets are allowed', async () =>
    (await asAlice(waits, sends(...names.slice(0, 3)), sends(...names.slice(2, 6)))).includes('(server dry run)'),
  );
  expect(await asAlice(waits, sends(...names))).toContain('its probes send more than 6 Secrets');
  expect(await asAlice(waits, sends('s0', 'other'))).toContain('user alice may not get the Secret other');
});

test('all that may be asked for fits what the API server spends on one request', async () => {
  const [, ...six] = hers;
  const peers = hers.slice(0, 4).map((namespace) => ({ podSelector: { namespace, labelSelector: {} } }));
  const counts = ['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'Node'].map((kind) => ({
    probe: { type: 'k8s', kind, names: ['x'], ready: { count: 1 } },
  }));
  const secrets = Array.from({ length: 6 }, (_, index) => secret(`s${index}`));
  const sends = { probe: probe({ headers: secrets }) };
  const full = { ...experiment, peers, abortConditions: [sends.probe, ...counts.map((one) => one.probe)] };
  const templates = Array.from({ length: 92 }, (_, index) => ({
    experiment: { ...full, target: { ...experiment.target, namespace: six[index % 6] } },
  }));
  expect(
    await make(
      'ChaosWorkflow',
      { name: 'full' },
      specOf([...templates, ...counts, sends, onNodes]),
      'admin',
      '--as-group=system:masters',
      '--dry-run=server',
    ),
  ).toContain('(server dry run)');
});

test('what probes count and send, who writes them may list and read', async () => {
  const counts = (kind: string): object => ({ type: 'k8s', kind, names: ['x'], ready: { count: 1 } });
  expect(await asAlice({ probe: counts('Node') })).toContain('user alice may not list nodes');
  expect(await asAlice({ probe: counts('Job') })).toContain('user alice may not list jobs');
  expect(await asAlice({ probe: counts('Pod') })).toContain('(server dry run)');
  const steadyState = { during: [counts('Deployment')] };
  expect(await asAlice({ experiment: { ...experiment, steadyState } })).toContain(
    'user alice may not list deployments',
  );
  expect(await asAlice({ probe: probe({ headers: [secret('theirs')] }) })).toContain(
    'user alice may not get the Secret theirs',
  );
});

test('a workflow can be aborted, labelled and deleted without these rights, and not be resumed', async () => {
  const name = ['chaosworkflow', 'free'];
  expect(await make('ChaosWorkflow', { name: 'free' }, specOf([own]), 'alice')).toContain('created');
  const annotate = (text: string, user: string): Promise<string> =>
    kubectl(['annotate', '--overwrite', ...name, text, `--as=${user}`]);
  expect(await annotate('chaosplane.io/resume=ask', 'mallory')).toContain('user mallory may not delete pods');
  expect(await annotate('chaosplane.io/resume=ask', 'alice')).toContain('annotated');
  expect(await annotate('chaosplane.io/resume=ask,more', 'mallory')).toContain('user mallory may not delete pods');
  expect(await annotate('chaosplane.io/abort=true', 'mallory')).toContain('annotated');
  expect(await annotate('chaosplane.io/resume-', 'mallory')).toContain('annotated');
  expect(await kubectl(['label', ...name, 'a=b', '--as=mallory'])).toContain('labeled');
  expect(await kubectl(['delete', ...name, '--as=mallory'])).toContain('deleted');
});

test('an owner helps the operator alone, which makes nothing without one', async () => {
  const created = await stage.client.create(chaosWorkflows, {
    metadata: { namespace: stage.namespace, name: 'owner' },
    spec: specOf([own]),
  });
  const of = (change: object = {}): object => ({ ownerReferences: [{ ...workflowOwner(created), ...change }] });
  const child = (name: string, metadata: object, user: string): Promise<string> =>
    make('ChaosExperiment', { name, ...metadata }, experiment, user);
  const others = 'the operator makes experiments and workflows for others alone';
  expect(await child('forged', of(), 'mallory')).toContain('user mallory may not delete pods');
  expect(await child('bare', {}, operator)).toContain(others);
  expect(await child('loose', of({ controller: false }), operator)).toContain(others);
  expect(await child('other', of({ kind: 'ConfigMap', apiVersion: 'v1' }), operator)).toContain(others);
  expect(await child('step', of(), operator)).toContain('created');
  // A run of a schedule is a workflow, and a workflow makes none.
  const flow = (name: string, kind: string): Promise<string> =>
    make('ChaosWorkflow', { name, ...of({ kind }) }, specOf([own]), operator);
  expect(await flow('run', 'ChaosSchedule')).toContain('created');
  expect(await flow('inner', 'ChaosWorkflow')).toContain(others);
});

test('the status and the shards of a workflow are written by the operator alone', async () => {
  const admin = ['--as=system:admin', '--as-group=system:masters'];
  const status = ['patch', 'chaosworkflow', 'owner', '--subresource=status', '--type=merge', '-p'];
  expect(await kubectl([...status, '{"status":{"phase":"Completed"}}', ...admin])).toContain(
    'the operator alone writes',
  );
  // kubectl would read them first, which the operator need not.
  const { operatorClient, namespace } = stage;
  const body = { status: { phase: 'Running' } };
  const subresource = { subresource: 'status' };
  await operatorClient.patch(chaosWorkflows, { namespace, name: 'owner' }, { kind: 'merge', body }, subresource);
  const shard = (name: string, phase: string): string =>
    JSON.stringify({
      ...{ apiVersion: API_VERSION, kind: 'ChaosWorkflowShard', metadata: { name } },
      steps: [{ id: 'a', phase, attempt: 1 }],
    });
  expect(await kubectl(['create', '-f', '-', ...admin], shard('s', 'Succeeded'))).toContain(
    'the operator alone writes',
  );
  expect(await kubectl(['create', '-f', '-', `--as=${operator}`], shard('s', 'Running'))).toContain('created');
  const patch = ['patch', 'chaosworkflowshard', 's', '--type=merge', '-p'];
  const over = '{"steps":[{"id":"a","phase":"Succeeded","attempt":1}]}';
  expect(await kubectl([...patch, over, ...admin])).toContain('the operator alone writes');
  expect(await kubectl(['label', 'chaosworkflowshard', 's', 'a=b', ...admin])).toContain('labeled');
  const [shardThere] = (await operatorClient.list(chaosWorkflowShards, { namespace })).items;
  const written = await operatorClient.replace(chaosWorkflowShards, { ...shardThere!, ...JSON.parse(over) });
  expect(written.steps).toMatchObject([{ phase: 'Succeeded' }]);
});
