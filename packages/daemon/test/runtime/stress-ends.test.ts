/** How stress of real containers ends other than by its time, and where it cannot begin: what is told, on a real runtime. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { ExecutionState, Verdict, type Execution, durationOf } from '@chaosplane/proto';
import type { Pod, RunningContainer } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit';
import { Status } from 'nice-grpc';
import { stressors } from '../../src/host/stress/stressors.ts';
import { cgroupFolder, cpuMs, stressorsIn } from '@chaosplane/testcluster/accounts';
import { createPodLab, type PodDaemon, type PodLab } from './pod-lab.ts';

const MEBI = 2 ** 20;

let lab: PodLab;
let daemon: PodDaemon;

beforeAll(async () => {
  lab = await createPodLab();
  daemon = await lab.startDaemon();
}, 90_000);

afterAll(async () => {
  await lab.close();
}, 60_000);

afterEach(async () => {
  const { executions } = await daemon.client.listExecutions({});
  for (const { executionId } of executions) await daemon.client.cancelChaos({ executionId });
});

async function runPod(name: string, memoryLimitBytes?: number): Promise<{ pod: Pod; app: RunningContainer }> {
  const limit = memoryLimitBytes === undefined ? {} : { memoryLimitBytes };
  const pod = await lab.testbed.runPod({ name, containers: [{ name: 'app', args: ['pause'], ...limit }] });
  return { pod, app: pod.containers['app']! };
}

const ask = (
  podName: string,
  stressorType: string,
  parameters: Readonly<Record<string, string>> = {},
  dryRun = false,
) =>
  daemon.client.execStressChaos({
    experimentId: 'stress-ends',
    stressorType,
    parameters: { podName, ...parameters },
    options: { ttl: durationOf(60_000), dryRun },
  });

const get = (executionId: string): Promise<Execution> => daemon.client.getExecution({ executionId });

async function ended(executionId: string): Promise<Execution> {
  await eventually(
    'the execution has ended',
    async () => (await get(executionId)).state === ExecutionState.EXECUTION_STATE_ENDED,
    { withinMs: 30_000 },
  );
  return get(executionId);
}

const memory = (app: RunningContainer): string => cgroupFolder(app.pid, 'memory');

test('a container that is killed leaves what its stressor burnt, and its exit code', async () => {
  const { app } = await runPod('killed');
  const folder = cgroupFolder(app.pid, 'cpuacct');
  const before = cpuMs(folder);
  const { executionId } = await ask('killed', 'cpu');
  await eventually('a second of CPU time is used', () => cpuMs(folder) - before > 1000, { withinMs: 30_000 });
  process.kill(app.pid, 'SIGKILL');
  const { evidence } = await ended(executionId);
  expect(evidence?.verdict).toBe(Verdict.VERDICT_VERIFIED);
  expect(evidence?.summary).toMatch(
    /burnt by 2 processes until its container ended, .*; container app ended with exit code 137 \(SIGKILL\) at .*Z/,
  );
  const { cpu_ms: own, cgroup_cpu_ms: whole } = evidence?.counters ?? {};
  expect(Number(own)).toBeGreaterThan(800);
  expect(Number(own)).toBeLessThanOrEqual(Number(whole));
}, 60_000);

test('a pod that is removed leaves what was measured, and that it was stopped or deleted', async () => {
  const { pod } = await runPod('removed');
  const { executionId } = await ask('removed', 'io');
  await eventually(
    'it is verified',
    async () => (await get(executionId)).evidence?.verdict === Verdict.VERDICT_VERIFIED,
    { withinMs: 30_000 },
  );
  await lab.testbed.removePod(pod.sandboxId);
  const { evidence } = await ended(executionId);
  expect(evidence?.verdict).toBe(Verdict.VERDICT_VERIFIED);
  expect(evidence?.summary).toMatch(
    /written by 2 processes until (its container ended|the stressor \(SIGKILL\) and container app ended together); .*pod default\/removed was (stopped|deleted)/,
  );
}, 60_000);

test('a stressor that the kernel kills is told of, its container runs on, and a renewal does not start it again', async () => {
  const { app } = await runPod('small', 128 * MEBI);
  await expect(ask('small', 'memory', { size: '160Mi' })).rejects.toMatchObject({
    code: Status.FAILED_PRECONDITION,
    details: expect.stringContaining('the limit of the container is 128Mi: give a smaller size, or force: true'),
  });
  const { executionId, evidence: first } = await ask('small', 'memory', { size: '160Mi', force: 'true' });
  expect(first?.notes.join()).toContain('memory is about to run out');
  const folder = memory(app);
  await eventually(
    'the evidence says until when',
    async () => (await get(executionId)).evidence?.summary.includes(' until ') === true,
    { withinMs: 30_000 },
  );
  expect(stressorsIn(folder)).toEqual([]);
  const { evidence, state } = await get(executionId);
  expect(state).toBe(ExecutionState.EXECUTION_STATE_ACTIVE);
  expect(evidence?.verdict).toBe(Verdict.VERDICT_NOT_OBSERVED);
  expect(evidence?.summary).toMatch(
    /^\d.* of 160Mi kept in memory by \d+ processes until memory ran out and the kernel killed the stressor \(\d+ OOM kills? in its cgroup\); container app runs on$/,
  );
  const told = Number(evidence?.counters['oom_kills']);
  const kernel = Number(/oom_kill (\d+)/.exec(readFileSync(join(folder, 'memory.oom_control'), 'utf8'))?.[1]);
  expect(told).toBe(kernel);
  await daemon.client.renewLease({ executions: [{ executionId, ttl: durationOf(120_000) }] });
  expect(stressorsIn(folder)).toEqual([]);
  expect((await lab.testbed.execSync(app.id, ['ls'])).exitCode).toBe(0);
}, 60_000);

test('limits are found on the way up: of the pod, and of a container whose first process has moved below it', async () => {
  const { app } = await runPod('nested');
  const container = memory(app);
  writeFileSync(join(dirname(container), 'memory.limit_in_bytes'), String(64 * MEBI));
  const below = join(container, 'init.scope');
  mkdirSync(below);
  try {
    writeFileSync(join(below, 'cgroup.procs'), String(app.pid));
    const { plan } = await ask('nested', 'memory', { size: '50%' }, true);
    expect(plan?.steps[0]?.argv).toContain(String(32 * MEBI));
    await expect(ask('nested', 'memory', { size: '65Mi' })).rejects.toMatchObject({
      details: expect.stringContaining('the limit of the container is 64Mi'),
    });
  } finally {
    writeFileSync(join(container, 'cgroup.procs'), String(app.pid));
    rmdirSync(below);
  }
}, 60_000);

test('workers that may not be started are refused, and none of those that could is left', async () => {
  const { app } = await runPod('crowded');
  const folder = cgroupFolder(app.pid, 'pids');
  writeFileSync(join(folder, 'pids.max'), String(Number(readFileSync(join(folder, 'pids.current'), 'utf8')) + 4));
  await expect(ask('crowded', 'cpu', { workers: '16' })).rejects.toMatchObject({
    code: Status.FAILED_PRECONDITION,
    details: expect.stringMatching(
      /16 workers are 17 processes, and container app .* \(pids.max\), of which \d+ are free/,
    ),
  });
  // The same when the room is taken after it was looked at.
  const below = join(folder, 'few');
  mkdirSync(below);
  try {
    writeFileSync(join(below, 'pids.max'), '4');
    const order = { args: ['--cpu', '16'], cgroup: [below], oomScoreAdj: 0, workers: 16, lifeMs: 60_000 };
    writeFileSync(join(folder, 'pids.max'), 'max');
    await expect(stressors.start(order)).rejects.toThrow('only 3 of 16 workers could be started');
    expect(stressorsIn(below)).toEqual([]);
  } finally {
    rmdirSync(below);
  }
}, 60_000);

test('a container that is paused, has exited, or is not there yet is named with its state, at once', async () => {
  const { app } = await runPod('paused');
  const began = performance.now();
  await expect(ask('paused', 'cpu', {}, true)).resolves.toBeDefined();
  const quiet = performance.now() - began;
  const freezer = join(cgroupFolder(app.pid, 'freezer'), 'freezer.state');
  const refused = async (podName: string, words: string): Promise<void> => {
    const since = performance.now();
    await expect(ask(podName, 'cpu')).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      details: expect.stringContaining(words),
    });
    expect(performance.now() - since).toBeLessThan(50 * quiet);
  };
  writeFileSync(freezer, 'FROZEN');
  try {
    await refused('paused', 'container app of pod default/paused is paused: its cgroup is frozen');
  } finally {
    writeFileSync(freezer, 'THAWED');
  }
  process.kill(app.pid, 'SIGKILL');
  await eventually('the container has ended', () => !existsSync(`/proc/${app.pid}`), { withinMs: 30_000 });
  await eventually(
    'the daemon says how the container ended',
    async () => {
      const error = await ask('paused', 'cpu').then(() => undefined, String);
      return error?.includes('app has exited with exit code 137') === true;
    },
    { withinMs: 10_000 },
  );
  await lab.testbed.runPod({ name: 'empty', containers: [] });
  await refused('empty', 'pod default/empty has no container yet, only its sandbox');
}, 60_000);
