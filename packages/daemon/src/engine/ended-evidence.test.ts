/** What was measured outlives the target, the stressor and the daemon, and why it ended is said. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock, type Clock } from '@chaosplane/common';
import { eventually, FakeNode, memoryJournal, startTestEngine } from '@chaosplane/testkit';
import type { EvidenceRecord, ExecutionRecord } from '../journal/record.ts';
import type { Engine } from './engine.ts';
import type { ExecRequest } from './request.ts';

/** The daemon's time, of which more passes here. */
const FASTER = 20;
const clock: Clock = {
  ...systemClock,
  monotonic: () => FASTER * systemClock.monotonic(),
  after: (ms, fire) => systemClock.after(ms / FASTER, fire),
  sleep: (ms, signal) => systemClock.sleep(ms / FASTER, signal),
};

const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

async function start(node: FakeNode, journal = memoryJournal()): Promise<Engine> {
  const engine = await startTestEngine({ host: node.host(), journal, clock });
  engines.push(engine);
  return engine;
}

type Asked = Pick<ExecRequest, 'rpc' | 'wireAction'> & { readonly parameters?: Record<string, string> };
const cpu: Asked = { rpc: 'execStressChaos', wireAction: 'cpu' };
const memory: Asked = { rpc: 'execStressChaos', wireAction: 'memory' };
const loss: Asked = { rpc: 'execNetworkChaos', wireAction: 'loss', parameters: { percent: '30' } };
const abort: Asked = {
  rpc: 'execHTTPChaos',
  wireAction: 'abort',
  parameters: { port: '8080', statusCode: '503', existingConnections: 'keep' },
};

async function exec(engine: Engine, { parameters = {}, ...route }: Asked): Promise<ExecutionRecord> {
  const injection = await engine.exec({
    ...route,
    experimentId: 'e1',
    parameters: { podName: 'web', ...parameters },
    options: { operatorEpoch: 0, dryRun: false, peers: [] },
  });
  if (injection.kind !== 'injected') throw new Error(`it was ${injection.kind}`);
  return injection.record;
}

/** The record once it has ended. */
async function ended(engine: Engine, { id }: ExecutionRecord): Promise<ExecutionRecord> {
  await eventually('the execution has ended', async () => (await engine.get(id)).record.state === 'ended', {
    withinMs: 10_000,
  });
  return (await engine.get(id)).record;
}

async function evidenceOf(engine: Engine, { id }: ExecutionRecord): Promise<EvidenceRecord | undefined> {
  return (await engine.get(id)).evidence;
}

/** A node with one pod, after a stressor of it has burnt what it burns. */
async function withPod() {
  const node = new FakeNode();
  const pod = node.addPod('web');
  const engine = await start(node);
  return { node, pod, engine, app: pod.containers[0]! };
}

const FOUR_SECONDS = { cpuMs: 4000 };

describe('evidence', () => {
  test('of a container that was killed has what its stressor burnt, and the exit code', async () => {
    const { node, engine, app } = await withPod();
    const record = await exec(engine, cpu);
    Object.assign(node.processes, FOUR_SECONDS);
    node.processes.exitContainer(app, 137);
    const { evidence, endReason, notes } = await ended(engine, record);
    expect(endReason).toBe('target-gone');
    expect(evidence?.verdict).toBe('verified');
    expect(evidence?.counters).toMatchObject({ cpu_ms: 4000, processes: 0 });
    const why = /container app ended with exit code 137 \(SIGKILL\) at .*Z$/;
    expect(evidence?.summary).toMatch(
      /^4s of CPU time burnt by 2 processes until its container ended, 4s in the whole/,
    );
    expect(evidence?.summary).toMatch(why);
    expect(notes.join()).toMatch(why);
  });

  test.each([
    [
      'stress',
      cpu,
      /^4s of CPU time burnt by 2 processes until its container ended.*; .*pod default\/web was deleted$/,
    ],
    ['a loss', loss, /; pod default\/web was deleted$/],
    ['an HTTP fault', abort, /^1 request answered 503, of 2 that match and 3 seen; pod default\/web was deleted$/],
  ])('of a pod that was deleted under %s has what was measured, and says so', async (_name, asked, summary) => {
    const { node, pod, engine } = await withPod();
    const record = await exec(engine, asked);
    Object.assign(node.processes, FOUR_SECONDS);
    await exec(engine, memory);
    node.removePod(pod);
    expect((await ended(engine, record)).evidence?.summary).toMatch(summary);
  });

  test('of a stressor that ran out of memory says that the kernel killed it, and it is not started again', async () => {
    const { node, engine } = await withPod();
    const record = await exec(engine, memory);
    node.processes.killStressors({ how: 'exit code 0', oomKills: 1 });
    const summary =
      '256Mi of 244.1Mi kept in memory by 2 processes until memory ran out and the kernel killed the stressor ' +
      '(1 OOM kill in its cgroup); container app runs on';
    expect(await evidenceOf(engine, record)).toMatchObject({
      verdict: 'not-observed',
      summary,
      counters: { oom_kills: 1, processes: 0, resident_bytes: 2 ** 28 },
    });
    await eventually(
      'what was counted at the end is kept',
      async () => 'ended' in (await engine.get(record.id)).record.work,
      { withinMs: 10_000 },
    );
    const before = node.print();
    await engine.renewLease({ epoch: 0, executions: [{ id: record.id, ttlMs: 3_000_000 }] });
    expect(node.print()).toBe(before);
    expect((await engine.cancel(record.id))?.evidence?.summary).toBe(summary);
  });

  test('of an application that dies with the stressor says that the kernel killed both', async () => {
    const { node, engine, app } = await withPod();
    const record = await exec(engine, memory);
    node.processes.exitContainer(app, 137, { oomKills: 3 });
    const { evidence, endReason } = await ended(engine, record);
    expect(endReason).toBe('target-gone');
    expect(evidence?.summary).toContain(
      'until memory ran out and the kernel killed the stressor and container app (3 OOM kills in its cgroup); ' +
        'container app ended with exit code 137 (SIGKILL)',
    );
  });

  test('of a stressor that others ended is kept, and a renewal starts another one, which adds to it', async () => {
    const { node, engine } = await withPod();
    const record = await exec(engine, cpu);
    Object.assign(node.processes, FOUR_SECONDS);
    await eventually('4 s are counted', async () => (await evidenceOf(engine, record))?.counters['cpu_ms'] === 4000, {
      withinMs: 10_000,
    });
    node.processes.killStressors({ how: 'SIGTERM' });
    expect(await evidenceOf(engine, record)).toMatchObject({
      verdict: 'not-observed',
      summary: expect.stringContaining('4s of CPU time burnt by 2 processes until the stressor was ended by others'),
    });
    await engine.renewLease({ epoch: 0, executions: [{ id: record.id, ttlMs: 60_000 }] });
    const again = await evidenceOf(engine, record);
    expect(again).toMatchObject({ verdict: 'verified', counters: { cpu_ms: 8000 } });
  });

  test('of a daemon that was killed is what the next one goes on from', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const journal = memoryJournal();
    const killed = await start(node, journal);
    engines.splice(0);
    const record = await exec(killed, cpu);
    Object.assign(node.processes, FOUR_SECONDS);
    const http = await exec(killed, abort);
    await eventually(
      '4 s are in the journal',
      () => journal.writes.some(({ evidence }) => evidence?.counters['cpu_ms'] === 4000),
      { withinMs: 10_000 },
    );
    const next = await start(node, journal);
    expect((await evidenceOf(next, record))?.counters).toMatchObject({ cpu_ms: 8000 });
    // What both proxies counted.
    expect((await evidenceOf(next, http))?.counters).toMatchObject({ requests_seen: 6 });
    void killed.stop();
  });
});
