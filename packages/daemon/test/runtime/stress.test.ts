/** Stress of real containers, driven over the wire: what the kernel accounts for is read from their cgroups. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ExecutionState, Verdict, type Execution, durationOf } from '@chaosplane/proto';
import type { RunningContainer } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit';
import { Status } from 'nice-grpc';
import {
  cgroupFolder,
  cpuMs,
  memoryBytes,
  preferring,
  stressorsBelow,
  stressorsIn,
} from '@chaosplane/testcluster/accounts';
import { startDoomed } from './doomed.ts';
import { createPodLab, type PodDaemon, type PodLab } from './pod-lab.ts';

const MEBI = 2 ** 20;

let lab: PodLab;
let daemon: PodDaemon;
let target: RunningContainer;
let neighbour: RunningContainer;
let outside: string;
/** Another program's stress-ng, which the daemon may not touch. */
let foreign: ChildProcess;

beforeAll(async () => {
  outside = mkdtempSync(join(tmpdir(), 'chaosplane-outside-'));
  foreign = spawn('stress-ng', ['--quiet', '--cpu', '1', '--cpu-load', '1', '--timeout', '600'], { stdio: 'ignore' });
  lab = await createPodLab();
  const script = `mkdir /data && ln -s ${outside} /leads-out && ln -s /data /stays && exec /chaosplane-app pause`;
  const shell = { name: 'app', args: [], command: ['/bin/sh', '-c', script] };
  const run = async (name: string): Promise<RunningContainer> => {
    const pod = await lab.testbed.runPod({ name, containers: [{ ...shell, memoryLimitBytes: 128 * MEBI }] });
    return pod.containers['app']!;
  };
  [target, neighbour] = [await run('target'), await run('neighbour')];
  await lab.testbed.runPod({ name: 'boundless', containers: [{ name: 'app', args: ['pause'] }] });
  await lab.testbed.runPod({ name: 'two', containers: ['one', 'other'].map((name) => ({ name, args: ['pause'] })) });
  daemon = await lab.startDaemon();
}, 90_000);

afterAll(async () => {
  await lab.close();
  const alive = foreign.exitCode === null && foreign.signalCode === null;
  foreign.kill('SIGKILL');
  rmSync(outside, { recursive: true, force: true });
  expect(alive).toBe(true);
}, 60_000);

const folders = (container: RunningContainer) => ({
  cpu: cgroupFolder(container.pid, 'cpuacct'),
  memory: cgroupFolder(container.pid, 'memory'),
});

async function stress(
  stressorType: string,
  parameters: Readonly<Record<string, string>>,
  { podName = 'target', ttlMs = 60_000 }: { podName?: string; ttlMs?: number } = {},
): Promise<string> {
  const request = {
    experimentId: 'stress',
    stressorType,
    parameters: podName === '' ? parameters : { podName, ...parameters },
  };
  return (await daemon.client.execStressChaos({ ...request, options: { ttl: durationOf(ttlMs) } })).executionId;
}

const get = (executionId: string): Promise<Execution> => daemon.client.getExecution({ executionId });

afterEach(async () => {
  const { executions } = await daemon.client.listExecutions({});
  for (const { executionId } of executions) await daemon.client.cancelChaos({ executionId });
  expect(stressorsIn(folders(target).cpu)).toEqual([]);
  expect(stressorsIn(folders(neighbour).cpu)).toEqual([]);
});

describe('stress of a container', () => {
  test('a load of 50 by one worker burns half a core in its cgroup, and nothing in that of its neighbour', async () => {
    const executionId = await stress('cpu', { load: '50' });
    const [own, other] = [folders(target).cpu, folders(neighbour).cpu];
    const untouched = cpuMs(other);
    const windows: number[] = [];
    await preferring(cgroupFolder(target.pid, 'cpu'), async () => {
      for (let window = 0; window < 5; window++) {
        const [before, since] = [cpuMs(own), performance.now()];
        await pause(1500);
        windows.push((cpuMs(own) - before) / (performance.now() - since));
      }
    });
    expect(windows.toSorted()[2]).toBeGreaterThanOrEqual(0.4);
    expect(windows.toSorted()[2]).toBeLessThanOrEqual(0.6);
    expect(cpuMs(other) - untouched).toBeLessThan(150);
    const { evidence } = await get(executionId);
    expect(evidence?.verdict).toBe(Verdict.VERDICT_VERIFIED);
    expect(evidence?.engine).toBe('stress-ng');
    expect(Number(evidence?.counters['cgroup_cpu_ms'])).toBeGreaterThan(500);
  }, 60_000);

  test('no process of a stressor is ever in another cgroup', async () => {
    const over = new AbortController();
    const seen = new Map<string, number>();
    const watch = (async () => {
      while (!over.signal.aborted) {
        for (const { cgroups } of stressorsBelow(process.pid)) seen.set(cgroups, (seen.get(cgroups) ?? 0) + 1);
        await pause(1);
      }
    })();
    for (let round = 0; round < 5; round++)
      await daemon.client.cancelChaos({ executionId: await stress('cpu', { workers: '3' }) });
    over.abort();
    await watch;
    const where = readFileSync(`/proc/${target.pid}/cgroup`, 'utf8');
    // The test's own, which is not the daemon's, is below this process as well.
    const elsewhere = [...seen.keys()].filter(
      (cgroups) => cgroups !== readFileSync(`/proc/${foreign.pid}/cgroup`, 'utf8'),
    );
    expect(elsewhere).toEqual([where]);
    expect(seen.get(where)).toBeGreaterThan(10);
  }, 60_000);

  test.each([
    ['64Mi', 64 * MEBI],
    ['50%', 64 * MEBI],
  ])(
    'memory of %s is used and kept, and is given back',
    async (size, bytes) => {
      const { memory } = folders(target);
      const before = memoryBytes(memory);
      const executionId = await stress('memory', { size, workers: '2' });
      const raised = (): number => memoryBytes(memory) - before;
      await eventually('the memory in use', raised, { withinMs: 10_000, is: (used) => used >= 0.9 * bytes });
      for (let look = 0; look < 20; look++) {
        expect(raised()).toBeGreaterThanOrEqual(0.9 * bytes);
        await pause(50);
      }
      expect(raised()).toBeLessThan(1.4 * bytes);
      expect((await get(executionId)).evidence).toMatchObject({ verdict: Verdict.VERDICT_VERIFIED });
      await daemon.client.cancelChaos({ executionId });
      expect(raised()).toBeLessThan(0.2 * bytes);
    },
    120_000,
  );

  test.each(['/data', '/stays'])(
    'io writes on the file system of the container, in %s, and leaves nothing there',
    async (path) => {
      const list = async (): Promise<string> => (await lab.testbed.execSync(target.id, ['ls', '-a', '/data'])).stdout;
      const before = await list();
      const executionId = await stress('io', { path, size: '4Mi' });
      expect(await list()).toContain(`.chaosplane-${executionId}`);
      const { evidence } = await eventually('the evidence', () => get(executionId), {
        withinMs: 10_000,
        is: (seen) => seen.evidence?.verdict === Verdict.VERDICT_VERIFIED,
      });
      expect(Number(evidence?.counters['written_bytes'])).toBeGreaterThan(MEBI);
      await daemon.client.cancelChaos({ executionId });
      expect(await list()).toBe(before);
    },
    120_000,
  );

  test('a symlink to the outside is no way out', async () => {
    await expect(stress('io', { path: '/leads-out' })).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      details: expect.stringContaining('/leads-out of the container'),
    });
    expect(readdirSync(outside)).toEqual([]);
  });

  test('a percentage of a limit that is not there, and one of several containers, are refused', async () => {
    await expect(stress('memory', { size: '50%' }, { podName: 'boundless' })).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      details: expect.stringContaining('no memory limit'),
    });
    await expect(stress('cpu', {}, { podName: 'two' })).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      details: expect.stringContaining('containers one, other'),
    });
  });

  test('ends at its TTL, and a renewal keeps it for longer', async () => {
    const { cpu } = folders(target);
    const short = await stress('cpu', {}, { ttlMs: 1500 });
    const long = await stress('cpu', { load: '20' }, { ttlMs: 5000 });
    await daemon.client.renewLease({ executions: [{ executionId: long, ttl: durationOf(60_000) }] });
    await eventually('the end of the TTL', async () => (await get(short)).state, {
      withinMs: 20_000,
      is: (state) => state === ExecutionState.EXECUTION_STATE_ENDED,
    });
    // Longer than it would have lived by itself.
    await pause(5500);
    expect((await get(long)).state).toBe(ExecutionState.EXECUTION_STATE_ACTIVE);
    // stress-ng and its one worker.
    expect(stressorsIn(cpu)).toHaveLength(2);
  }, 120_000);

  test('dies with the daemon, and the next one starts it again', async () => {
    const { cpu } = folders(target);
    const doomed = await startDoomed(lab, 0);
    const request = { stressorType: 'cpu', parameters: { podName: 'target' }, options: { ttl: durationOf(60_000) } };
    const { executionId } = await doomed.client.execStressChaos(request);
    expect(stressorsIn(cpu)).toHaveLength(2);
    // Later than the first time at which evidence is journaled.
    const burnt = async (): Promise<number> =>
      Number((await doomed.client.getExecution({ executionId })).evidence?.counters['cpu_ms']);
    await eventually('three seconds of CPU time', burnt, { is: (ms) => ms >= 3000 });
    await doomed.kill();
    await eventually('the end of the stressor', () => stressorsIn(cpu), {
      withinMs: 5000,
      everyMs: 20,
      is: (left) => left.length === 0,
    });
    const next = await lab.startDaemon({ stateDir: doomed.stateDir });
    expect(stressorsIn(cpu)).toHaveLength(2);
    const { evidence, state } = await next.client.getExecution({ executionId });
    expect(state).toBe(ExecutionState.EXECUTION_STATE_ACTIVE);
    expect(Number(evidence?.counters['cpu_ms'])).toBeGreaterThan(500);
    expect(Number(evidence?.counters['interrupted_ms'])).toBeGreaterThan(0);
    expect(evidence?.notes.join()).toMatch(
      /no daemon ran for up to .* and the fault was away.*started again at .* by the daemon that took over/,
    );
    await next.client.cancelChaos({ executionId });
    await next.stop();
  }, 120_000);

  test('does not keep a container from ending, nor its cgroup from going', async () => {
    const pod = await lab.testbed.runPod({ name: 'victim', containers: [{ name: 'app', args: ['pause'] }] });
    const { cpu } = folders(pod.containers['app']!);
    const executionId = await stress('cpu', {}, { podName: 'victim' });
    process.kill(pod.containers['app']!.pid, 'SIGKILL');
    const isOver = async () => (await get(executionId)).state === ExecutionState.EXECUTION_STATE_ENDED;
    await eventually('the execution has ended', isOver, { withinMs: 10_000 });
    expect((await get(executionId)).endReason).toBe(4);
    expect(existsSync(cpu) ? stressorsIn(cpu) : []).toEqual([]);
    // containerd removes the cgroup when the container ends, CRI-O when it is removed.
    await lab.testbed.restartContainer(pod, 'app');
    expect(existsSync(cpu)).toBe(false);
  }, 120_000);
});

test('stress of the node burns in a cgroup of its own, which is not that of the daemon', async () => {
  const executionId = await stress('cpu', { load: '30' }, { podName: '' });
  const [worker] = stressorsBelow(process.pid).filter(({ cgroups }) => cgroups.includes(executionId));
  const { cpu } = folders({ id: '', logPath: '', pid: worker!.pid });
  expect(cpu).toMatch(new RegExp(`/chaosplane/${executionId}$`));
  const before = cpuMs(cpu);
  await pause(2000);
  expect(cpuMs(cpu) - before).toBeGreaterThan(100);
  expect((await get(executionId)).target).toMatchObject({ nodeName: expect.any(String), podName: '' });
  await daemon.client.cancelChaos({ executionId });
  expect(existsSync(cpu)).toBe(false);
}, 120_000);
