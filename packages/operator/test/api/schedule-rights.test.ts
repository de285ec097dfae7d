/** A schedule is no way around one's own rights: who writes it is asked for those of its runs, and the operator alone makes these. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { chaosSchedules, scheduleOwner, type ScheduleObject } from '@chaosplane/api';
import { createLogger, systemClock } from '@chaosplane/common';
import { eventually } from '@chaosplane/testkit/eventually';
import { uninstall } from '../../src/uninstall.ts';
import { applySchedule, experiment, often } from './schedules.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(120_000);

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');
const TEMPLATES = ['templates/admission.yaml', 'templates/operator/rbac.yaml', 'templates/user-roles.yaml'];

let fixture: ApiServerFixture;
let stage: Stage;
let operator: string;
let schedule: ScheduleObject;

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 1 });
  const { namespace } = stage;
  operator = `system:serviceaccount:${namespace}:chaosplane-operator`;
  const input = await fixture.cluster.helm([
    'template',
    CHART,
    '-n',
    namespace,
    ...TEMPLATES.flatMap((it) => ['-s', it]),
  ]);
  await fixture.cluster.kubectl(['apply', '-f', '-'], { input });
  // She may write experiments and schedules, and delete no pod.
  const bind = ['create', 'rolebinding', 'writers', '-n', namespace, '--clusterrole=chaosplane-edit', '--user=mallory'];
  await fixture.cluster.kubectl(bind);
  schedule = await applySchedule(stage, 'nightly', { ...often, suspend: true });
  await eventually(
    'the policy is in force',
    async () => (await write('early')).includes('may not delete pods') || undefined,
    {
      withinMs: 30_000,
    },
  );
}, 600_000);
afterAll(async () => {
  await stage.close();
  await fixture.close();
}, 60_000);

async function kubectl(argv: readonly string[], input = ''): Promise<string> {
  return fixture.cluster.kubectl([...argv, '-n', stage.namespace], { input }).catch((error: unknown) => String(error));
}

/** What kubectl says to who creates a schedule. */
function write(name: string, change: object = {}, user = 'mallory'): Promise<string> {
  const object = { ...{ apiVersion: chaosSchedules.apiVersion, kind: 'ChaosSchedule' }, metadata: { name } };
  const spec = { schedule: '@daily', experiment, suspend: true, ...change };
  return kubectl(['create', '-f', '-', `--as=${user}`], JSON.stringify({ ...object, spec }));
}

/** The same for an experiment. */
function make(name: string, metadata: object, user: string, spec: object = experiment): Promise<string> {
  const object = {
    ...{ apiVersion: chaosSchedules.apiVersion, kind: 'ChaosExperiment' },
    metadata: { name, ...metadata },
  };
  return kubectl(['create', '-f', '-', `--as=${user}`], JSON.stringify({ ...object, spec }));
}

const patch = (spec: object): Promise<string> =>
  kubectl(['patch', 'chaosschedule', 'nightly', '--type=merge', '-p', JSON.stringify({ spec }), '--as=mallory']);

const onNodes = {
  target: { kind: 'Node', names: ['n'] },
  action: { type: 'stress-cpu' },
  duration: '1s',
};

test('who may not delete what a run hits may not write the schedule, suspended or not', async () => {
  expect(await write('pods')).toContain('user mallory may not delete pods');
  expect(await write('pods', { suspend: false })).toContain('user mallory may not delete pods');
  expect(await write('nodes', { experiment: onNodes })).toContain('user mallory may not delete nodes');
  const there = { ...experiment, target: { ...experiment.target, namespace: 'kube-system' } };
  expect(await write('elsewhere', { experiment: there })).toContain('may not delete pods in the namespace kube-system');
  const probe = { type: 'k8s', kind: 'Node', names: ['n'], ready: { count: 1 } };
  expect(await write('curious', { startWhen: { probes: [probe] } })).toContain('user mallory may not list nodes');
});

test('who may delete the pods may', async () => {
  await kubectl(['create', 'role', 'pods', '--verb=delete', '--resource=pods']);
  await kubectl(['create', 'rolebinding', 'pods', '--role=pods', '--user=alice']);
  await kubectl(['create', 'rolebinding', 'alice', '--clusterrole=chaosplane-edit', '--user=alice']);
  const created = async (): Promise<true | undefined> =>
    (await write('hers', {}, 'alice')).includes('created') || undefined;
  await eventually('it is created', created, { withinMs: 20_000 });
});

test('a schedule can be suspended without these rights, and not be resumed or changed', async () => {
  expect(await patch({ suspend: false })).toContain('user mallory may not delete pods');
  await applySchedule(stage, 'nightly', { ...often, suspend: false });
  expect(await patch({ schedule: '@hourly' })).toContain('user mallory may not delete pods');
  const experimentToo = { suspend: true, experiment: { duration: '10m' } };
  expect(await patch(experimentToo)).toContain('user mallory may not delete pods');
  expect(await patch({ suspend: true })).toContain('patched');
});

test('an owner helps the operator alone, which makes nothing without one', async () => {
  const ownerReferences = [scheduleOwner(schedule)];
  expect(await make('forged', { ownerReferences }, 'mallory')).toContain('user mallory may not delete pods');
  expect(await make('bare', {}, operator)).toContain('the operator makes experiments and workflows for others alone');
  const other = [{ ...scheduleOwner(schedule), kind: 'ConfigMap', apiVersion: 'v1' }];
  expect(await make('other', { ownerReferences: other }, operator)).toContain('for others alone');
  expect(await make('pods', { ownerReferences }, operator)).toContain('created');
  // It may delete no node: that was asked of who wrote the schedule.
  expect(await make('nodes', { ownerReferences }, operator, onNodes)).toContain('created');
});

test('the status of a schedule is written by the operator alone', async () => {
  const argv = [
    'patch',
    'chaosschedule',
    'nightly',
    '--subresource=status',
    '--type=merge',
    '-p',
    '{"status":{"message":"x"}}',
  ];
  expect(await kubectl([...argv, '--as=system:admin', '--as-group=system:masters'])).toContain(
    'the operator alone writes',
  );
  // kubectl would read it first, which the operator need not.
  const ref = { namespace: stage.namespace, name: 'nightly' };
  const body = { status: { message: 'x' } };
  const patched = stage.operatorClient.patch(chaosSchedules, ref, { kind: 'merge', body }, { subresource: 'status' });
  expect((await patched).status).toMatchObject({ message: 'x' });
});

test('before the chart goes, schedules are suspended, so that nothing begins any more', async () => {
  await applySchedule(stage, 'another', often);
  const { client, namespace } = stage;
  const tools = { client, clock: systemClock, logger: createLogger({ level: 'silent' }) };
  await uninstall({ namespace, timeoutMs: 1000, roleName: 'none' }, tools, new AbortController().signal);
  const { items } = await client.list(chaosSchedules);
  expect(items.length).toBeGreaterThan(1);
  expect(items.map(({ spec }) => (spec as { readonly suspend: boolean }).suspend)).toEqual(items.map(() => true));
});
