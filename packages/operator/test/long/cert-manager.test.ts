/**
 * A real cert-manager makes the certificates of the chart on a cluster, and renews them while a daemon is called a hundred times a second
 * with the files of the operator's pod. A release changes to it and back.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { startCluster } from '@chaosplane/testcluster';
import { startCertManager } from '@chaosplane/testcluster/cert-manager';
import {
  installationOn,
  isEffective,
  NAMESPACE,
  patient,
  SYSTEM,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { installRelease, uninstallRelease } from '@chaosplane/testcluster/release';
import { eventually } from '@chaosplane/testkit/eventually';
import { authorityFault, leafFault } from '../../src/certificates/check.ts';
import { decode, leavesOf, pairOf, secretNames } from '../../src/certificates/secrets.ts';
import type { RotationCaller, Said } from '../rotation-caller.ts';
import { ask, renew, secretNamed, serialOf, serials, untilIssued } from './certificates.ts';
import { DAEMON, podsOfBoth, startOperatorsCaller } from './pods-of-both.ts';

jest.setTimeout(1_800_000);

const NAMES = {
  namespace: SYSTEM,
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
  webhookService: 'chaosplane-webhook',
};
const [, ...LEAVES] = secretNames;
const OPERATOR = `chaosplane-operator.${SYSTEM}.svc`;
/** A kubelet looks at the Secrets of a pod once in 60 to 90 seconds; this machine may be busy. */
const HEARD = { withinMs: 300_000, everyMs: 1000 } as const;

const stack = new AsyncDisposableStack();
let shop: Installation;
let folder: string;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const kubectl = (...argv: string[]): Promise<string> => shop.cluster.kubectl(argv);
const setTo = (isByCertManager: boolean): Promise<void> =>
  installRelease(shop.cluster, { report: say, set: [`certManager.enabled=${isByCertManager}`] });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-cert-manager-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const cluster = await startCluster({ nodes: 2, report: say });
  stack.defer(() => cluster.stop());
  shop = installationOn(cluster);
  const certManager = await startCertManager(cluster, process.env['CHAOSPLANE_TEST_CERT_MANAGER'] ?? '');
  stack.defer(() => certManager.close());
  const startedAt = performance.now();
  await setTo(true);
  say(`installed in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  await kubectl('create', 'namespace', NAMESPACE);
  await shop.addApps({ name: 'caller', node: 'n2' }, { name: 'web', node: 'n1' });
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

/** How often the pods of ChaosPlane have read certificates again, by pod. */
async function reloads(): Promise<readonly number[]> {
  const { all } = await podsOfBoth(shop);
  const logs = all.map((pod) => kubectl('logs', pod, '-n', SYSTEM));
  return (await Promise.all(logs)).map((text) => text.split('certificates reloaded').length - 1);
}

/** Replaces certificates, and waits until every pod has read them again. */
async function untilHeard(change: () => Promise<void>): Promise<void> {
  const before = await reloads();
  await change();
  const heard = async (): Promise<boolean> => (await reloads()).every((count, index) => count > (before[index] ?? 0));
  await eventually('every pod has heard of it', heard, HEARD);
}

/** No call has failed. Otherwise it is told what the pods say of connections that they turned away. */
async function noFailure({ failures }: Pick<Said, 'failures'>): Promise<void> {
  if (failures.length > 0)
    for (const pod of (await podsOfBoth(shop)).all)
      for (const line of (await kubectl('logs', pod, '-n', SYSTEM)).split('\n'))
        if (/turned|reloaded/.test(line)) say(`${pod}: ${line}`);
  expect(failures).toEqual([]);
}

/** Some hundred calls more, on new connections among others; none has failed. */
async function moreCalls(caller: RotationCaller): Promise<void> {
  const before = await caller.peek();
  const said = await eventually(
    'more calls',
    async () => {
      const now = await caller.peek();
      return now.failures.length > 0 || (now.kept > before.kept + 300 && now.new > before.new + 10) ? now : undefined;
    },
    HEARD,
  );
  await noFailure(said);
}

const cut = { target: { names: ['web'] }, action: { type: 'network-partition' } };
const isAnswered = async (): Promise<boolean> => {
  const [outcome] = await shop.probe('caller', [`http://web.${NAMESPACE}/`], { count: 2 });
  return (outcome?.answered ?? 0) > 0;
};

/** An experiment is felt, and over when it ends. */
async function commands(name: string): Promise<void> {
  await shop.apply(name, { ...cut, duration: '1h' });
  await shop.until(name, isEffective);
  expect(await isAnswered()).toBe(false);
  await shop.remove(name);
  await eventually('web answers again', isAnswered, patient);
}

/** Nothing but the webhook tells of two problems at once. */
async function refuses(): Promise<void> {
  const wrong = {
    ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment' },
    metadata: { name: 'wrong', namespace: NAMESPACE },
    spec: { ...cut, duration: 'soon' },
  };
  const isRefused = () =>
    shop.cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], { input: JSON.stringify(wrong) }).then(
      () => false,
      (error: unknown) => String(error).includes('"resources.chaosplane.io" denied the request'),
    );
  await eventually('the webhook refuses', isRefused, HEARD);
}

/** Whether what is in the Secrets could have been made by the Job. */
async function faults(): Promise<unknown> {
  const now = Date.now();
  const authority = pairOf(await secretNamed(shop.client, 'chaosplane-ca'));
  const wanted = { now, renewBeforeMs: 0 };
  const found = leavesOf(NAMES).map(async (leaf) =>
    leafFault(pairOf(await secretNamed(shop.client, leaf.secret)), authority, { ...leaf, ...wanted }),
  );
  return [authorityFault(authority, now), ...(await Promise.all(found))];
}

test('installed with it, every Certificate is ready, and is what the Job would have made', async () => {
  await untilIssued(shop.cluster, secretNames);
  expect(await faults()).toEqual([undefined, undefined, undefined, undefined]);
});

test('the operator commands the daemons, and the webhook answers', async () => {
  await commands('first');
  await refuses();
});

test('a daemon refuses what cert-manager certifies for others', async () => {
  const { address, tls, token } = await podsOfBoth(shop);
  const netns = await shop.netnsOf('caller');
  const call = async (name: string): Promise<string> => {
    const { data = {} } = await secretNamed(shop.client, name);
    const files = ['tls.crt', 'tls.key'].map((key) => join(folder, `${name}-${key}`));
    for (const [index, key] of ['tls.crt', 'tls.key'].entries())
      await writeFile(files[index] ?? '', decode(data[key]), { mode: 0o600 });
    const program = `${import.meta.dirname}/../kernel/one-call.main.ts`;
    const argv = [program, address, DAEMON, `${tls}/ca.crt`, ...files, await readFile(token, 'utf8')];
    return (await execa('nsenter', [`--net=${netns}`, process.execPath, ...argv], { env: { NODE_OPTIONS: '' } }))
      .stdout;
  };
  const [client, server] = ['client auth', 'server auth'];
  const issuer = 'chaosplane-ca';
  await ask(shop.cluster, 'insider', { issuer, dnsName: `other.${SYSTEM}.svc`, usage: client });
  await ask(shop.cluster, 'answering', { issuer, dnsName: OPERATOR, usage: server });
  await ask(shop.cluster, 'stranger', { issuer: 'chaosplane-self-signed', dnsName: OPERATOR, usage: client });
  const wrong = ['insider', 'answering', 'stranger'];
  const statuses = [];
  for (const name of ['chaosplane-operator-tls', 'chaosplane-webhook-tls', ...wrong]) statuses.push(await call(name));
  expect(statuses).toEqual(['OK', 'UNAVAILABLE', 'PERMISSION_DENIED', 'UNAVAILABLE', 'UNAVAILABLE']);
  await kubectl('delete', 'certificate', ...wrong, '-n', SYSTEM);
  await kubectl('delete', 'secret', ...wrong, '-n', SYSTEM);
});

test('certificates are renewed, then their authority, then they again, and no call fails', async () => {
  await using stack = new AsyncDisposableStack();
  const caller = stack.adopt(await startOperatorsCaller(shop), (each) => each.close());
  await shop.apply('lasting', { ...cut, duration: '1h' });
  await shop.until('lasting', isEffective);
  const { health } = await podsOfBoth(shop);
  const [first, before] = [await serials(shop.client), await caller.ask()];
  const startedAt = performance.now();
  await untilHeard(() => renew(shop.cluster, ...LEAVES));
  const second = await serials(shop.client);
  await noFailure(await caller.peek());
  await renew(shop.cluster, 'chaosplane-ca');
  await untilHeard(() => renew(shop.cluster, ...LEAVES));
  await refuses();
  const [third, after] = [await serials(shop.client), await caller.ask()];
  const seconds = (performance.now() - startedAt) / 1000;
  say(`${after.kept + after.new - before.kept - before.new} calls in ${Math.round(seconds)} s`);
  await noFailure(after);
  expect(after.new).toBeGreaterThan(before.new);
  expect(after.connections - before.connections).toBeGreaterThanOrEqual(2);
  expect(second['chaosplane-ca']).toBe(first['chaosplane-ca']);
  for (const name of secretNames) expect(third[name]).not.toBe(first[name]);
  expect((await podsOfBoth(shop)).health).toEqual(health);
  expect(await isAnswered()).toBe(false);
  await shop.remove('lasting');
  await commands('renewed');
});

test('changed to the Job and back, with an experiment in force, and no call fails', async () => {
  await using stack = new AsyncDisposableStack();
  const caller = stack.adopt(await startOperatorsCaller(shop), (each) => each.close());
  await shop.apply('changing', { ...cut, duration: '1h' });
  await shop.until('changing', isEffective);
  await caller.ask();
  const before = await serials(shop.client);
  await setTo(false);
  expect(await serials(shop.client)).toEqual(before);
  // What the Job signs with the authority that cert-manager made.
  await untilHeard(async () => {
    await kubectl('delete', 'secret', ...LEAVES, '-n', SYSTEM);
    await setTo(false);
  });
  const byJob = await serials(shop.client);
  await noFailure(await caller.peek());
  expect(byJob['chaosplane-ca']).toBe(before['chaosplane-ca']);
  for (const name of LEAVES) expect(byJob[name]).not.toBe(before[name]);
  await setTo(true);
  await untilIssued(shop.cluster, secretNames);
  // It takes over what is there, until that is due.
  expect(await serials(shop.client)).toEqual(byJob);
  await untilHeard(() => renew(shop.cluster, ...LEAVES));
  await noFailure(await caller.ask());
  expect(await isAnswered()).toBe(false);
  await shop.remove('changing');
  await commands('changed');
  await refuses();
});

test('another key, as after a theft: the authority is deleted, then the others, and both sides are restarted', async () => {
  const before = await serials(shop.client);
  const isNew = async (name: string): Promise<boolean> =>
    (await serialOf(shop.client, name).catch(() => before[name])) !== before[name];
  for (const names of [['chaosplane-ca'], LEAVES]) {
    await kubectl('delete', 'secret', ...names, '-n', SYSTEM);
    for (const name of names) await eventually(`${name} is made again`, () => isNew(name), patient);
  }
  expect(await faults()).toEqual([undefined, undefined, undefined, undefined]);
  const workloads = ['daemonset/chaosplane-daemon', 'deployment/chaosplane-operator'];
  await kubectl('rollout', 'restart', ...workloads, '-n', SYSTEM);
  for (const each of workloads) await kubectl('rollout', 'status', each, '-n', SYSTEM, '--timeout=3m');
  await commands('restarted');
  await refuses();
});

/** All that is in the namespace of the release, but for what Kubernetes puts there by itself, and what is only told of. */
async function leftThere(): Promise<string[]> {
  const kinds = (await kubectl('api-resources', '--namespaced', '--verbs=list', '-o', 'name')).split('\n');
  const wanted = kinds.filter((kind) => !kind.startsWith('events'));
  const found = await kubectl('get', wanted.join(), '-n', SYSTEM, '-o', 'name', '--ignore-not-found');
  return found.split('\n').filter((name) => !/^$|^configmap\/kube-root-ca|^serviceaccount\/default$/.test(name));
}

test('helm uninstall leaves the Secrets alone', async () => {
  await uninstallRelease(shop.cluster);
  const secretsOf = secretNames.map((name) => `secret/${name}`);
  const left = async (): Promise<boolean> => (await leftThere()).toSorted().join() === secretsOf.toSorted().join();
  await eventually('only the Secrets are left', left, patient).catch(async () =>
    expect(await leftThere()).toEqual(secretsOf),
  );
  await kubectl('delete', 'secret', ...secretNames, '-n', SYSTEM);
});

test('changed from what the Job made, with an experiment in force: the authority is renewed first, then one side after the other', async () => {
  await setTo(false);
  await using stack = new AsyncDisposableStack();
  const caller = stack.adopt(await startOperatorsCaller(shop), (each) => each.close());
  await shop.apply('taken-over', { ...cut, duration: '1h' });
  await shop.until('taken-over', isEffective);
  await caller.ask();
  const before = await serials(shop.client);
  await setTo(true);
  await untilIssued(shop.cluster, secretNames);
  expect(await serials(shop.client)).toEqual(before);
  await renew(shop.cluster, 'chaosplane-ca');
  // The operator alone trusts the certificate that cert-manager made of the key, and the daemons that of the Job.
  const known = await caller.peek();
  await renew(shop.cluster, 'chaosplane-operator-tls');
  const heard = async () => (await caller.peek()).generation > known.generation;
  await eventually('the operator has heard of it', heard, HEARD);
  await moreCalls(caller);
  await untilHeard(() => renew(shop.cluster, ...LEAVES));
  await moreCalls(caller);
  expect(await faults()).toEqual([undefined, undefined, undefined, undefined]);
  expect(await isAnswered()).toBe(false);
  await shop.remove('taken-over');
  await commands('late');
  await refuses();
});
