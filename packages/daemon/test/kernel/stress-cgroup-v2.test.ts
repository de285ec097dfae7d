/** Stress on a kernel whose only cgroups are those of version 2, as the newer distributions boot: in the cgroup of a process, and of the node. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createLab, eventually, RUN, type Lab } from '@chaosplane/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EvidenceRecord, ExecutionRecord } from '../../src/journal/record.ts';
import { cpuMs, memoryBytes, stressorsBelow, stressorsIn } from '@chaosplane/testcluster/accounts';
import { emulated, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

const ROOT = '/sys/fs/cgroup';
const MEBI = 2 ** 20;

/** In the virtual machine only: there the kernel has no other cgroups, and what a killed test leaves goes with the machine. */
const inVm = emulated ? test : test.skip;

let lab: Lab;
let daemon: LabDaemon;
/** As a kubelet lays them out: a pod, and in it a container each. */
const pod = `${ROOT}/cp${RUN}-${process.pid}-pod`;
const [own, other] = [join(pod, 'container'), join(pod, 'neighbour')];
const containers: ChildProcess[] = [];

beforeAll(async () => {
  if (!emulated) return;
  lab = createLab();
  const [first, second] = [runIn(own), runIn(other)];
  containers.push(first, second);
  writeFileSync(join(own, 'memory.max'), String(128 * MEBI));
  daemon = await startLabDaemon(lab, {}, { pid: first.pid! });
}, 120_000);

afterAll(async () => {
  if (!emulated) return;
  await daemon.close();
  lab.close();
  // One of them was killed by the kernel.
  const alive = containers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  const gone = alive.map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of alive) child.kill('SIGKILL');
  await Promise.all(gone);
  for (const folder of [own, other, pod]) rmdirSync(folder);
}, 120_000);

/** A process in a cgroup of its own. */
function runIn(folder: string): ChildProcess {
  for (const above of [ROOT, pod]) {
    mkdirSync(above, { recursive: true });
    writeFileSync(join(above, 'cgroup.subtree_control'), '+cpu +memory');
  }
  mkdirSync(folder);
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  writeFileSync(join(folder, 'cgroup.procs'), String(child.pid));
  return child;
}

async function stress(wireAction: string, parameters: Record<string, string>): Promise<ExecutionRecord> {
  const injection = await daemon.engine.exec({
    rpc: 'execStressChaos',
    wireAction,
    experimentId: 'lab',
    parameters,
    options: { operatorEpoch: 0, dryRun: false, peers: [] },
  });
  if (injection.kind !== 'injected') throw new Error(`it was ${injection.kind}`);
  return injection.record;
}

/** What the daemon says of it once it has seen the effect, after a minute at most. */
async function evidenceOf(record: ExecutionRecord): Promise<EvidenceRecord | undefined> {
  return eventually('the evidence', async () => (await daemon.observe(record)).evidence, {
    withinMs: 60_000,
    is: (evidence) => evidence?.verdict === 'verified',
  });
}

inVm(
  'a stressor burns CPU time in the cgroup of its container; no process of it is ever in another, and none is left',
  async () => {
    const over = new AbortController();
    const seen = new Set<string>();
    const watch = (async () => {
      while (!over.signal.aborted) {
        for (const { cgroups } of stressorsBelow(process.pid)) seen.add(cgroups.trim());
        await pause(1);
      }
    })();
    const [before, untouched] = [cpuMs(own), cpuMs(other)];
    const record = await stress('cpu', { podName: 'target', workers: '2', load: '50' });
    // stress-ng and its workers, of which the daemon waits for the first.
    await eventually('three stressors run', () => stressorsIn(own).length >= 3, { withinMs: 60_000 });
    expect(stressorsIn(own)).toHaveLength(3);
    await eventually('a second of CPU time is used', () => cpuMs(own) - before > 1000, { withinMs: 60_000 });
    expect(await evidenceOf(record)).toMatchObject({ verdict: 'verified' });
    await daemon.cancel(record);
    over.abort();
    await watch;
    expect([...seen]).toEqual([`0::${own.slice(ROOT.length)}`]);
    expect(cpuMs(other) - untouched).toBeLessThan(100);
    expect(stressorsIn(own)).toEqual([]);
  },
  120_000,
);

inVm(
  "memory is a share of the container's limit, is kept there, and is given back",
  async () => {
    const [before, untouched] = [memoryBytes(own), memoryBytes(other)];
    const raised = (): number => memoryBytes(own) - before;
    const record = await stress('memory', { podName: 'target', size: '50%' });
    await eventually('the memory is used', () => raised() >= 0.9 * 64 * MEBI, { withinMs: 60_000 });
    expect(await evidenceOf(record)).toMatchObject({ verdict: 'verified' });
    expect(raised()).toBeGreaterThanOrEqual(0.9 * 64 * MEBI);
    // The program itself is kept in memory beside that.
    expect(raised()).toBeLessThan(1.6 * 64 * MEBI);
    expect(memoryBytes(other) - untouched).toBeLessThan(4 * MEBI);
    await daemon.cancel(record);
    expect(stressorsIn(own)).toEqual([]);
    expect(raised()).toBeLessThan(0.5 * 64 * MEBI);
  },
  120_000,
);

inVm(
  'stress of the node has a cgroup of its own, which goes with it',
  async () => {
    const record = await stress('cpu', { load: '30' });
    const folder = `${ROOT}/chaosplane/${record.id}`;
    await eventually('CPU time is used', () => cpuMs(folder) > 300, { withinMs: 60_000 });
    expect(stressorsIn(folder)).toHaveLength(2);
    await daemon.cancel(record);
    expect(existsSync(folder)).toBe(false);
  },
  120_000,
);

/** Asks for more than the container may have, and waits until the kernel has ended that. */
async function exhaust(
  oomGroup: '0' | '1',
): Promise<{ record: ExecutionRecord; evidence: EvidenceRecord | undefined }> {
  writeFileSync(join(own, 'memory.oom.group'), oomGroup);
  const record = await stress('memory', { podName: 'target', size: '160Mi', force: 'true' });
  await eventually('the stressors are gone', () => stressorsIn(own).length === 0, { withinMs: 60_000 });
  let evidence: EvidenceRecord | undefined;
  await eventually(
    'the evidence says until when',
    async () => {
      ({ evidence } = await daemon.observe(record));
      return evidence?.summary.includes('until') === true;
    },
    { withinMs: 60_000 },
  );
  return { record, evidence };
}

inVm(
  'with memory.oom.group=0 the kernel kills the stressor alone, and what it kept until then is told',
  async () => {
    const { record, evidence } = await exhaust('0');
    expect(evidence).toMatchObject({ verdict: 'not-observed', counters: { processes: 0, oom_kills: 1 } });
    expect(evidence?.summary).toMatch(
      /^(?!0B)\d\S* of 160Mi kept in memory by \d+ processes until memory ran out and the kernel killed the stressor \(1 OOM kill in its cgroup\); container app runs on$/,
    );
    expect(containers[0]?.exitCode ?? containers[0]?.signalCode).toBeNull();
    expect(record.notes).toContain(
      'when memory runs out, the kernel kills what it chooses, the stressor or another process',
    );
    await daemon.cancel(record);
  },
  120_000,
);

// The last one: the application dies.
inVm(
  'with memory.oom.group=1 the application dies with the stressor: the plan says it before, the evidence afterwards',
  async () => {
    const { record, evidence } = await exhaust('1');
    expect(record.notes).toContain(
      'when memory runs out, the kernel kills the application together with the stressor (memory.oom.group is 1)',
    );
    await eventually('the container is killed', () => containers[0]?.signalCode === 'SIGKILL', { withinMs: 60_000 });
    await eventually('the execution has ended', async () => (await daemon.observe(record)).record.state === 'ended', {
      withinMs: 60_000,
    });
    const { record: ended } = await daemon.observe(record);
    expect(ended.endReason).toBe('target-gone');
    expect(ended.evidence?.counters).toEqual(evidence?.counters);
    expect(ended.evidence?.summary).toMatch(
      /^(?!0B)\d\S* of 160Mi kept in memory by \d+ processes until memory ran out and the kernel killed the stressor and container app \(\d+ OOM kills in its cgroup\)/,
    );
  },
  120_000,
);
