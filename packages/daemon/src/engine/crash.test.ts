import { describe, expect, test } from '@jest/globals';
import { FakeNode, memoryJournal, withCrash, type CrashPoint, startTestEngine } from '@chaosplane/testkit';
import type { Engine } from './engine.ts';
import type { InjectionResult } from './inject.ts';
import type { ExecRequest } from './request.ts';

const request = (wireAction: string, parameters: Record<string, string>): ExecRequest => ({
  rpc: 'execNetworkChaos',
  wireAction,
  experimentId: 'e1',
  parameters: { podName: 'web', ...parameters },
  options: { operatorEpoch: 0, dryRun: false, peers: [], idempotencyKey: wireAction },
});
const delay = request('delay', { latency: '10ms' });
const loss = request('loss', { percent: '30' });
const bandwidth = request('bandwidth', { rate: '1mbit', direction: 'both' });
const duplicate = request('duplicate', { percent: '10', direction: 'ingress' });
const stress = (wireAction: string, parameters: Record<string, string>): ExecRequest => ({
  ...request(wireAction, parameters),
  rpc: 'execStressChaos',
});
const cpu = stress('cpu', {});
const io = stress('io', { path: '/data' });
const nodeCpu: ExecRequest = {
  ...cpu,
  parameters: { load: '20' },
  options: { ...cpu.options, idempotencyKey: 'node' },
};
const http: ExecRequest = { ...request('abort', { port: '80', statusCode: '503' }), rpc: 'execHTTPChaos' };
const dns: ExecRequest = { ...request('error', { domains: '*' }), rpc: 'execDNSChaos' };
const kill = stress('container-kill', { podName: 'victim' });

type Journal = ReturnType<typeof memoryJournal>;

/** A disk that takes its time. */
const aTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function start(node: FakeNode, journal: Journal, crash?: CrashPoint): Promise<Engine> {
  const parts = { host: node.host(), journal };
  return startTestEngine(crash === undefined ? parts : withCrash(parts, crash));
}

/** What a daemon does in its life; it may be killed at any of its steps. `told` hears each answer. */
async function life(engine: Engine, told: (answer: InjectionResult) => void = () => undefined): Promise<void> {
  const exec = async (asked: ExecRequest): Promise<string> => {
    const answer = await engine.exec(asked);
    told(answer);
    return idOf(answer);
  };
  const first = await exec(loss);
  const second = await exec(io);
  await exec(delay);
  await engine.cancel(first);
  await exec(bandwidth);
  await engine.cancel(await exec(duplicate));
  const third = await exec(nodeCpu);
  await exec(cpu);
  const fourth = await exec(http);
  await exec(dns);
  for (const done of [second, third, fourth]) await engine.cancel(done);
}

function idOf(answer: InjectionResult): string {
  if (answer.kind === 'planned') throw new Error('nothing was done');
  return answer.record.id;
}

describe('a daemon that is killed', () => {
  test('at any of its steps leaves to the next one nothing but what its journal says is active', async () => {
    const steps = await countSteps();
    expect(steps).toBeGreaterThan(10);
    for (let step = 1; step <= steps; step++) {
      const node = new FakeNode();
      node.addPod('web');
      const journal = memoryJournal();
      const crash: CrashPoint = { step, crashed: false };
      const doomed = await start(node, journal, crash);
      await Promise.race([life(doomed), crashed(crash)]);
      expect(crash.crashed).toBe(true);
      // Its effects hang for ever; this only takes its timers back.
      void doomed.stop();

      const next = await start(node, journal);
      const active = next.live();
      expect(active.map((record) => record.state)).toEqual(active.map(() => 'active'));
      expect({ step, state: node.print() }).toEqual({
        step,
        state: await stateWith(active.map((record) => record.action)),
      });
      await next.recoverAll();
      expect({ step, state: node.print() }).toEqual({ step, state: await stateWith([]) });
      await next.stop();
    }
  }, 60_000);

  test('at any step of a kill leaves a record that says what came of it, and never kills again', async () => {
    const whole = { step: Infinity, crashed: false } as CrashPoint;
    const steps: string[] = [];
    await dieWhileKilling({ ...whole, reached: (name) => steps.push(name) });
    expect(steps).toContain('after signal KILL');
    for (let step = 1; step <= steps.length; step++) {
      const { node, journal } = await dieWhileKilling({ step, crashed: false });
      const sent = node.processes.signals.length;
      const next = await start(node, journal);
      expect(next.live()).toEqual([]);
      const [found] = await next.list({ includeEnded: true });
      // Before it was journaled, nothing was done.
      if (found === undefined) expect(sent).toBe(0);
      else
        expect([found.record.endReason, found.record.evidence?.verdict]).toEqual(
          sent === 1 ? ['done', 'verified'] : ['swept', undefined],
        );
      if (found?.record.endReason === 'swept') expect(found.record.notes.join()).toContain('it is not done again');
      if (found !== undefined) expect((await next.exec(kill)).kind).toBe('joined');
      expect(node.processes.signals).toHaveLength(sent);
      await next.stop();
    }
  });

  test('by a power cut at any of its steps leaves to the next boot each answer that was given, and nothing in force', async () => {
    const steps = await countSteps();
    for (let step = 1; step <= steps; step++) {
      const node = new FakeNode();
      node.addPod('web');
      const journal = memoryJournal(aTurn);
      const crash: CrashPoint = { step, crashed: false };
      const doomed = await start(node, journal, crash);
      const told: InjectionResult[] = [];
      await Promise.race([life(doomed, (injection) => told.push(injection)), crashed(crash)]);
      const onDisk = journal.afterPowerCut();
      void doomed.stop();

      const booted = new FakeNode();
      booted.bootId = 'boot-2';
      booted.addPod('web');
      const before = booted.print();
      const next = await start(booted, onDisk);
      expect({ step, live: next.live() }).toEqual({ step, live: [] });
      const remembered = (await next.list({ includeEnded: true })).map(({ record }) => record.id);
      expect(remembered).toEqual(expect.arrayContaining(told.map((answer) => idOf(answer))));
      expect({ step, state: booted.print() }).toEqual({ step, state: before });
      await next.stop();
    }
  }, 60_000);

  test('by a power cut at any step of a kill never kills again when it has killed, and knows it when it said so', async () => {
    const steps: string[] = [];
    await dieWhileKilling({ step: Infinity, crashed: false, reached: (name) => steps.push(name) });
    // The last one is that of a daemon that has answered.
    for (let step = 1; step <= steps.length + 1; step++) {
      const { node, journal, answered } = await dieWhileKilling({ step, crashed: false });
      const killed = node.processes.signals.length;
      const booted = new FakeNode();
      booted.bootId = 'boot-2';
      booted.addPod('victim');
      const next = await start(booted, journal.afterPowerCut());
      const [found] = await next.list({ includeEnded: true });
      if (answered) expect(found?.record.endReason).toBe('done');
      if (killed === 1) expect(found?.record.state).toBe('ended');
      expect({ step, again: (await next.exec(kill)).kind }).toEqual({
        step,
        again: found === undefined ? 'injected' : 'joined',
      });
      await next.stop();
    }
  });

  test('with its journal lost, the next one removes its marks as orphans', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const before = node.print();
    const doomed = await start(node, memoryJournal());
    await doomed.exec(loss);
    await doomed.exec(delay);
    await doomed.exec(bandwidth);
    await doomed.exec(duplicate);
    await doomed.stop();
    const next = await start(node, memoryJournal());
    expect(node.print()).toBe(before);
    expect(next.swept.orphans).toHaveLength(1);
    await next.stop();
  });

  test('a namespace that was replaced at the same path is not mistaken for the old one', async () => {
    const node = new FakeNode();
    const old = node.addPod('web');
    const journal = memoryJournal();
    const doomed = await start(node, journal);
    await doomed.exec(loss);
    await doomed.stop();
    node.removePod(old);
    const young = node.addPod('web', { path: old.netns.path });
    const before = young.netns.print();
    const next = await start(node, journal);
    expect(next.live()).toEqual([]);
    expect(young.netns.print()).toBe(before);
    await next.stop();
  });

  test('after another boot everything of before has ended', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const journal = memoryJournal();
    const doomed = await start(node, journal);
    await doomed.exec(loss);
    await doomed.stop();
    node.bootId = 'boot-2';
    const next = await start(node, journal);
    expect(next.live()).toEqual([]);
    await next.stop();
  });
});

/** What the pod looks like with just these actions, injected by a daemon that was never killed. */
async function stateWith(actions: readonly string[]): Promise<string> {
  const node = new FakeNode();
  node.addPod('web');
  const engine = await start(node, memoryJournal());
  if (actions.includes('network-loss')) await engine.exec(loss);
  if (actions.includes('network-delay')) await engine.exec(delay);
  if (actions.includes('network-bandwidth')) await engine.exec(bandwidth);
  if (actions.includes('network-duplicate')) await engine.exec(duplicate);
  if (actions.includes('pod-io-stress')) await engine.exec(io);
  if (actions.includes('stress-cpu')) await engine.exec(nodeCpu);
  if (actions.includes('pod-cpu-stress')) await engine.exec(cpu);
  if (actions.includes('pod-http-abort')) await engine.exec(http);
  if (actions.includes('pod-dns-error')) await engine.exec(dns);
  const state = node.print();
  await engine.stop();
  return state;
}

/** A pod whose container is killed by a daemon that dies at that point, if at any. */
async function dieWhileKilling(crash: CrashPoint): Promise<{ node: FakeNode; journal: Journal; answered: boolean }> {
  const node = new FakeNode();
  node.addPod('victim');
  const journal = memoryJournal(aTurn);
  const doomed = await start(node, journal, crash);
  const answered = await Promise.race([doomed.exec(kill).then(() => true), crashed(crash).then(() => false)]);
  void doomed.stop();
  return { node, journal, answered };
}

async function countSteps(): Promise<number> {
  const node = new FakeNode();
  node.addPod('web');
  const counted: CrashPoint = { step: Infinity, crashed: false };
  const engine = await start(node, memoryJournal(), counted);
  await life(engine);
  const { taken = 0 } = counted;
  await engine.stop();
  return taken;
}

async function crashed(crash: CrashPoint): Promise<void> {
  while (!crash.crashed) await new Promise((resolve) => setImmediate(resolve));
}

describe('a disk that is slow to sync', () => {
  /** A journal whose syncs end as `disk` does. */
  const startWith = (node: FakeNode, disk: () => Promise<void>): Promise<Engine> => {
    const journal = memoryJournal();
    return start(node, { ...journal, sync: disk });
  };

  test('does not hold up a network fault, but its answer', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const disk = Promise.withResolvers<undefined>();
    const engine = await startWith(node, () => disk.promise);
    let answered = false;
    const injection = engine.exec(loss).finally(() => (answered = true));
    const inForce = await stateWith(['network-loss']);
    while (node.print() !== inForce) await new Promise((resolve) => setImmediate(resolve));
    // Many turns of the event loop: all that could go on without the disk has.
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    expect(engine.live().map(({ state }) => state)).toEqual(['applying']);
    disk.resolve(undefined);
    expect((await injection).kind).toBe('injected');
    await engine.stop();
  });

  test('and fails in the end leaves nothing of the fault', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const before = node.print();
    const engine = await startWith(node, () => Promise.reject(new Error('EIO: i/o error')));
    await expect(engine.exec(loss)).rejects.toThrow('EIO');
    expect(node.print()).toBe(before);
    await engine.stop();
  });
});

describe('a disk that is full', () => {
  test('does not keep a fault in force: cancel removes it, and the journal is written when it can be', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const before = node.print();
    const journal = memoryJournal();
    let full = false;
    const engine = await start(node, {
      ...journal,
      write: async (record) => {
        if (full) throw new Error('ENOSPC: no space left on device');
        await journal.write(record);
      },
    });
    const injection = await engine.exec(loss);
    full = true;
    const id = injection.kind === 'planned' ? '' : injection.record.id;
    await expect(engine.cancel(id)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(node.print()).toBe(before);
    full = false;
    while (engine.live().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await engine.stop();
  });

  test('injects nothing', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const before = node.print();
    const journal = memoryJournal();
    const engine = await start(node, {
      ...journal,
      write: async (record) => {
        if (record.state === 'active') throw new Error('ENOSPC: no space left on device');
        await journal.write(record);
      },
    });
    await expect(engine.exec(loss)).rejects.toThrow('ENOSPC');
    expect(node.print()).toBe(before);
    await engine.stop();
  });
});
