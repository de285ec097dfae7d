/** Pods in a user namespace of their own (`hostUsers: false`): every fault reaches them, and I/O stress makes files as their root. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Verdict } from '@chaosplane/proto';
import { fingerprint, type Pod } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit';
import { cgroupFolder, stressorsIn } from '@chaosplane/testcluster/accounts';
import { arriving, changesSince, createPodLab, TWENTY, type PodDaemon, type PodEnd, type PodLab } from './pod-lab.ts';

/** Where the users of such a pod begin on the node. */
const ROOT = 3_000_000;

let lab: PodLab;
let daemon: PodDaemon;
let volume: string;
let pod: Pod;
let peer: PodEnd;
let mapped: PodEnd;

beforeAll(async () => {
  volume = mkdtempSync(join(tmpdir(), 'chaosplane-volume-'));
  lab = await createPodLab();
  [peer, mapped] = [await lab.addEnd('peer'), await lab.addEnd('mapped-end', { rootIs: 2 * ROOT })];
  const volumes = [{ hostPath: volume, containerPath: '/data' }];
  pod = await lab.testbed.runPod({
    name: 'mapped',
    rootIs: ROOT,
    containers: [
      { name: 'app', args: ['serve'], volumes },
      { name: 'other', args: ['pause'] },
    ],
  });
  daemon = await lab.startDaemon();
}, 90_000);

afterAll(async () => {
  await lab.close();
  rmSync(volume, { recursive: true, force: true });
}, 60_000);

const exec = (stressorType: string, parameters: Readonly<Record<string, string>>, podName = 'mapped') =>
  daemon.client.execStressChaos({ experimentId: 'mapped', stressorType, parameters: { podName, ...parameters } });

const userOf = (pid: number, kind: 'Uid' | 'Gid'): string =>
  new RegExp(`^${kind}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

test('the pod is in a user namespace, and its root is no root of the node', () => {
  const { pid } = pod.containers['app']!;
  expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/)).toEqual(['0', String(ROOT), '65536']);
  expect(userOf(pid, 'Uid')).toBe(String(ROOT));
});

test.each([
  ['on its volume', '/data'],
  ['in its root folder', '/'],
])(
  'I/O stress %s writes as the root of the container, and leaves nothing',
  async (_name, path) => {
    const { pid } = pod.containers['app']!;
    const { executionId } = await exec('io', { containerName: 'app', path, size: '1Mi' });
    const stressors = stressorsIn(cgroupFolder(pid, 'cpuacct'));
    expect(stressors.length).toBeGreaterThan(1);
    for (const stressor of stressors) {
      expect([userOf(stressor, 'Uid'), userOf(stressor, 'Gid')]).toEqual([String(ROOT), String(ROOT)]);
    }
    await eventually(
      'what is written is verified',
      async () => {
        const { evidence } = await daemon.client.getExecution({ executionId });
        return evidence?.verdict === Verdict.VERDICT_VERIFIED && (evidence.counters['written_bytes'] ?? 0n) > 0n;
      },
      { withinMs: 10_000 },
    );
    // What is on the disk is the container's own: the volume's ids are mapped.
    const folder = join(`/proc/${pid}/root`, path, `.chaosplane-${executionId}`);
    expect(existsSync(folder)).toBe(true);
    if (path === '/data') expect(statSync(join(volume, `.chaosplane-${executionId}`)).uid).toBe(0);
    await daemon.client.cancelChaos({ executionId });
    expect(existsSync(folder)).toBe(false);
    expect(stressorsIn(cgroupFolder(pid, 'cpuacct'))).toEqual([]);
  },
  60_000,
);

test('its stressor dies with a daemon that is killed, although it runs as another user', async () => {
  const { startDoomed } = await import('./doomed.ts');
  const doomed = await startDoomed(lab, 0, 'inside');
  const { pid } = pod.containers['app']!;
  const parameters = { podName: 'mapped', containerName: 'app', path: '/data', size: '1Mi' };
  try {
    await doomed.client.execStressChaos({ experimentId: 'mapped', stressorType: 'io', parameters });
    expect(stressorsIn(cgroupFolder(pid, 'cpuacct')).length).toBeGreaterThan(1);
  } finally {
    await doomed.kill();
  }
  await eventually('the stressors are gone', async () => stressorsIn(cgroupFolder(pid, 'cpuacct')).length === 0, {
    withinMs: 10_000,
  });
  const next = await lab.startDaemon({ stateDir: doomed.stateDir });
  expect((await next.daemon.recoverAll()).failed).toEqual([]);
  expect(readdirSync(volume)).toEqual([]);
  await next.stop();
}, 60_000);

test('a partition is felt there, and gone afterwards', async () => {
  const before = await fingerprint(mapped.path);
  expect(await arriving(peer, mapped)).toBe(TWENTY);
  const { executionId } = await daemon.client.execNetworkChaos({
    experimentId: 'mapped',
    action: 'partition',
    parameters: { podName: 'mapped-end' },
  });
  expect(await arriving(peer, mapped)).toBe(0);
  await daemon.client.cancelChaos({ executionId });
  expect(await arriving(peer, mapped)).toBe(TWENTY);
  expect(await changesSince(before, mapped)).toEqual([]);
}, 60_000);

test('of its two containers one is killed, and the other runs on', async () => {
  const { evidence } = await exec('container-kill', { containerName: 'other' });
  expect(evidence?.summary).toMatch(/^container other exited with code 137/);
  expect(existsSync(`/proc/${pod.containers['app']!.pid}`)).toBe(true);
  await lab.testbed.restartContainer(pod, 'other');
}, 60_000);

test('a container that has ended and is about to be started again is said not to run', async () => {
  const crashing = await lab.testbed.runPod({
    name: 'crashing',
    rootIs: ROOT + 65_536,
    containers: [{ name: 'app', args: [], command: ['/bin/sh', '-c', 'sleep 1; exit 7'] }],
  });
  const runs = async (): Promise<boolean> => existsSync(`/proc/${crashing.containers['app']!.pid}`);
  for (let round = 0; round < 2; round++) {
    await eventually('the container has ended', async () => !(await runs()), { withinMs: 10_000 });
    for (const [type, parameters] of [
      ['io', { path: '/', size: '1Mi' }],
      ['container-kill', {}],
    ] as const) {
      await expect(exec(type, parameters, 'crashing')).rejects.toMatchObject({
        details: expect.stringMatching(
          /(no such container of pod default\/crashing runs now|of pod default\/crashing has just ended|app has exited with exit code 7 .* and is not running)/,
        ),
      });
    }
    await lab.testbed.restartContainer(crashing, 'app');
  }
  // The network of the pod is there all the while.
  const { executionId } = await daemon.client.execNetworkChaos({
    experimentId: 'mapped',
    action: 'loss',
    parameters: { podName: 'crashing', percent: '10' },
  });
  await daemon.client.cancelChaos({ executionId });
}, 90_000);
