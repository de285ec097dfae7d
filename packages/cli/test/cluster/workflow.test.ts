/** The command with workflows of a cluster, as a user types it; the same files as on one machine, and the same end. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { chaosExperiments, chaosWorkflows, workflowOwnerOf, type WorkflowObject } from '@chaosplane/api';
import { createKubeClient } from '@chaosplane/kube';
import { loadCluster } from '@chaosplane/kube/config';
import { NAMESPACE, sharedInstallation, type Installation } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { ended, endOf } from '../workflows/end.ts';
import { everyAction, everyActionSpec } from '../workflows/every-action.ts';
import { everyKind, rollback, workflowFile } from '../workflows/expected.ts';

jest.setTimeout(300_000);

const PROGRAM = join(import.meta.dirname, '../../src/main.ts');
const PODS = ['web', 'idle'] as const;

let shop: Installation;
let url: string;
let clean: readonly string[];

beforeAll(async () => {
  shop = await sharedInstallation();
  await shop.addApps({ name: 'web', node: 'n1' }, { name: 'idle', node: 'n2' });
  url = `http://${await shop.ipOf('web')}:8080/`;
  clean = await prints();
}, 900_000);
afterAll(() => shop.close(), 60_000);

const prints = (): Promise<readonly string[]> => Promise.all(PODS.map((pod) => shop.print(pod)));

/** Runs `chaosplane` on the cluster, in the namespace of the pods. */
function chaosplane(argv: readonly string[], input = '') {
  const [command = '', ...rest] = argv;
  const env = { KUBECONFIG: shop.cluster.kubeconfig };
  return execa(process.execPath, [PROGRAM, command, ...rest, '--cluster', '-n', NAMESPACE], {
    ...{ input, env, reject: false },
  });
}

const head = { apiVersion: chaosWorkflows.apiVersion, kind: chaosWorkflows.kind, metadata: { name: 'flow' } };
const long = {
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
  action: { type: 'network-partition', parameters: { protocol: 'udp' } },
  duration: '10m',
};

async function get(name: string): Promise<WorkflowObject | undefined> {
  const client = createKubeClient(loadCluster({ kubeconfig: shop.cluster.kubeconfig }));
  return client.get(chaosWorkflows, { namespace: NAMESPACE, name });
}

test('every kind of template and every strategy end as on one machine, and nothing is left', async () => {
  const argv = ['run', '-', '-o', 'json', '-p', 'latency=150ms', '--resume'];
  expect(endOf(await ended(chaosplane(argv, await workflowFile('every-kind', url))), everyKind)).toEqual(everyKind);
  expect(await prints()).toEqual(clean);
});

test('with rollback, what is in force recovers in the reverse order of its beginning', async () => {
  const run = chaosplane(['run', '-', '-o', 'json'], await workflowFile('rollback', url));
  expect(endOf(await ended(run), rollback)).toEqual(rollback);
  expect(await prints()).toEqual(clean);
});

test('every action of the catalogue that daemons carry out is a step that ends', async () => {
  const life = new AbortController();
  const traffic = askAgainAndAgain(life.signal);
  const input = JSON.stringify({
    ...head,
    metadata: { name: 'actions' },
    spec: everyActionSpec({ node: 'n1', containerName: 'http' }),
  });
  const { result } = await ended(chaosplane(['run', '-', '-o', 'json'], input));
  life.abort();
  await traffic;
  const phases = Object.entries(result.steps).map(([id, { phase }]) => [id, phase]);
  expect(phases).toEqual([...everyAction].map(([id, { phase }]) => [id, phase]));
  expect(result.phase).toBe('Completed');
  expect(await prints()).toEqual(clean);
});

/** HTTP requests, one after the other, however they end. */
async function askAgainAndAgain(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await shop.probe('idle', [url], { count: 1 }).catch(() => undefined);
}

test('a step that waits is told, described and resumed; the rest is aborted, and all that was in force recovers', async () => {
  const spec = {
    templates: [
      { name: 'ask', suspend: {} },
      { name: 'long', experiment: long },
    ],
    steps: [
      { name: 'ask', template: 'ask' },
      ...['a', 'b', 'c'].map((name) => ({ name, template: 'long', dependencies: ['ask'] })),
    ],
  };
  const run = chaosplane(['run', '-'], JSON.stringify({ ...head, spec }));
  const waits = async (): Promise<true | undefined> => (await get('flow'))?.status?.counts?.running === 1 || undefined;
  await eventually('it waits', waits, { withinMs: 60_000 });
  const described = await chaosplane(['describe', 'flow']);
  expect(described.stdout).toMatch(/workflow +shop\/flow\nphase +Running[^]*● ask: waits to be resumed — running/);
  expect((await chaosplane(['get'])).stdout).toMatch(/shop +flow +Running +- +0\/4/);
  const wrong = await chaosplane(['resume', 'flow', 'a']);
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('allowed: ask')]);
  expect((await chaosplane(['resume', 'flow'])).stdout).toBe('ask: resumed\n'.trim());
  const inForce = async (): Promise<true | undefined> => {
    const client = createKubeClient(loadCluster({ kubeconfig: shop.cluster.kubeconfig }));
    const { items } = await client.list(chaosExperiments, { namespace: NAMESPACE });
    const own = items.filter((object) => workflowOwnerOf(object)?.name === 'flow');
    return own.filter(({ status }) => status?.counts?.injected === 1).length === 3 || undefined;
  };
  await eventually('three are in force', inForce, { withinMs: 60_000 });
  expect(await prints()).not.toEqual(clean);
  const aborted = await chaosplane(['abort', 'flow']);
  expect(aborted.stdout).toContain('flow: Aborted');
  expect(await prints()).toEqual(clean);
  const { exitCode, stdout } = await run;
  expect(stdout).toContain('ask waits to be resumed: chaosplane resume flow ask -n shop');
  expect(stdout).toMatch(
    /Aborted, Inconclusive: it was aborted\n[^]*■ c: network-partition for 10m, after ask — aborted/,
  );
  expect(exitCode).toBe(3);
});

test('explain draws the steps, and the operator tells what each experiment would do', async () => {
  const templates = [{ name: 'long', experiment: long }];
  const spec = { templates, steps: [{ name: 'a', template: 'long' }] };
  const input = JSON.stringify({ ...head, metadata: { name: 'explained' }, spec });
  const { stdout, exitCode } = await chaosplane(['explain', '-'], input);
  expect(stdout).toContain(
    'Workflow explained: 1 step, at most 5 experiments at a time\n  ○ a: network-partition for 10m\n',
  );
  expect(stdout).toMatch(/\nStep a\n[^]*● shop\/web on \w+\n {4}would be hit/);
  expect(exitCode).toBe(0);
  expect(await get('explained')).toBeUndefined();
});
