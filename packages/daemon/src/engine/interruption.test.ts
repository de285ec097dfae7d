/** For how long no daemon ran is known, and whether faults were away meanwhile. */
import { createLogger } from '@chaosplane/common';
import { afterEach, expect, test } from '@jest/globals';
import { FakeNode, memoryJournal, startTestEngine } from '@chaosplane/testkit';
import { manualClock, type ManualClock } from '@chaosplane/testkit/clocks';
import type { Journal } from '../journal/journal.ts';
import { evidenceOf } from '../server/wire.ts';
import type { Engine } from './engine.ts';
import type { ExecRequest } from './request.ts';

const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

async function start(node: FakeNode, journal: Journal, clock: ManualClock): Promise<Engine> {
  const engine = await startTestEngine({ host: node.host(), journal, clock });
  engines.push(engine);
  return engine;
}

type Asked = Pick<ExecRequest, 'rpc' | 'wireAction'> & { readonly parameters: Record<string, string> };
const abort: Asked = {
  ...{ rpc: 'execHTTPChaos', wireAction: 'abort' },
  parameters: { port: '8080', statusCode: '503', existingConnections: 'keep' },
};
const loss: Asked = { rpc: 'execNetworkChaos', wireAction: 'loss', parameters: { percent: '30' } };

async function idOf(engine: Engine, { parameters, ...route }: Asked, ttlMs: number): Promise<string> {
  const injection = await engine.exec({
    ...route,
    experimentId: 'e1',
    parameters: { podName: 'web', ...parameters },
    options: { operatorEpoch: 0, dryRun: false, peers: [], ttlMs },
  });
  if (injection.kind !== 'injected') throw new Error(`it was ${injection.kind}`);
  return injection.record.id;
}

/** Lives for ten seconds, is away for `awayMs`, and another one lives; what of the two faults is told then. */
async function lives(end: 'stopped' | 'killed', awayMs: number, ttlMs = 600_000, { signs = true } = {}) {
  const node = new FakeNode();
  node.addPod('web');
  const [clock, kept] = [manualClock(), memoryJournal()];
  let lives = true;
  const beat: Journal['beat'] = async (at) => (lives ? kept.beat(at) : undefined);
  const first = await start(node, { ...kept, beat }, clock);
  const ids = [await idOf(first, abort, ttlMs), await idOf(first, loss, ttlMs)];
  await clock.advance(10_400);
  if (end === 'stopped') await first.stop();
  lives = false;
  await clock.advance(awayMs);
  const next = await start(node, signs ? kept : { ...kept, beat: async () => undefined }, clock);
  const told = async (engine: Engine) =>
    Promise.all(
      ids.map(async (id) => {
        const { record, evidence = noEvidence } = await engine.observe((await engine.get(id)).record);
        const { counters, notes } = evidenceOf(evidence, record);
        return { notes: notes?.filter((note) => note.includes('no daemon')), awayMs: counters?.['interrupted_ms'] };
      }),
    );
  return { node, clock, kept, next, told, ids };
}

const noEvidence = { verdict: 'no-traffic', engine: '', summary: '', counters: {}, gatheredAt: 0 } as const;

test('a daemon that was stopped leaves the time of its end; what the kernel does was not away', async () => {
  const { next, told } = await lives('stopped', 45_000);
  const until = '2026-01-01T00:00:55.400Z';
  expect(await told(next)).toEqual([
    { notes: [`no daemon ran for up to 45s until ${until}, and the fault was away`], awayMs: 45_000n },
    { notes: [`no daemon ran for up to 45s until ${until}`], awayMs: undefined },
  ]);
});

test('of one that was killed it is known to a second, and never too short', async () => {
  const { next, told } = await lives('killed', 45_000);
  const [proxied] = await told(next);
  expect(proxied?.awayMs).toBe(45_400n);
});

test('the times of several gaps are added up', async () => {
  const { node, clock, kept, next, told } = await lives('stopped', 45_000);
  await clock.advance(5000);
  await next.stop();
  await clock.advance(7000);
  const third = await start(node, kept, clock);
  expect((await told(third)).map(({ awayMs }) => awayMs)).toEqual([52_000n, undefined]);
});

test('a fault whose time was over before the next daemon came was away until its deadline, and ended then', async () => {
  const { next, told, ids } = await lives('stopped', 45_000, 30_000);
  expect(next.live()).toEqual([]);
  expect((await told(next)).map(({ awayMs }) => awayMs)).toEqual([19_600n, undefined]);
  for (const id of ids) {
    const { activeAt = 0, endedAt } = (await next.get(id)).record;
    expect(endedAt).toBe(activeAt + 30_000);
  }
});

test('a daemon that ends while it sweeps does not count the gap again', async () => {
  const { node, clock, kept } = await lives('stopped', 45_000, 600_000, { signs: false });
  await clock.advance(5000);
  const third = await start(node, kept, clock);
  const [record] = third.live();
  expect(record?.interruptedMs).toBe(50_000);
});

test('where an earlier build left no sign of life, nothing is said of how long it was', async () => {
  const node = new FakeNode();
  node.addPod('web');
  const [clock, kept] = [manualClock(), memoryJournal()];
  const first = await start(node, { ...kept, beat: async () => undefined }, clock);
  const id = await idOf(first, abort, 600_000);
  await first.stop();
  await clock.advance(45_000);
  const { record } = await (await start(node, kept, clock)).get(id);
  expect(record.notes).toContain('no daemon ran for a while until 2026-01-01T00:00:45.000Z');
  expect(record.interruptedMs).toBeUndefined();
});

test('a disk that takes no sign of life keeps nothing from its work, and is told of once', async () => {
  const said: string[] = [];
  const logger = createLogger({ level: 'warn', destination: { write: (line: string) => void said.push(line) } });
  const node = new FakeNode();
  node.addPod('web');
  const clock = manualClock();
  let tried = 0;
  const beat: Journal['beat'] = async () => {
    tried += 1;
    throw new Error('ENOSPC');
  };
  const engine = await startTestEngine({ host: node.host(), journal: { ...memoryJournal(), beat }, clock, logger });
  engines.push(engine);
  const id = await idOf(engine, loss, 600_000);
  await clock.advance(5000);
  expect(tried).toBeGreaterThan(3);
  expect(said.filter((line) => line.includes('no sign of life'))).toHaveLength(1);
  expect((await engine.cancel(id))?.state).toBe('ended');
});
