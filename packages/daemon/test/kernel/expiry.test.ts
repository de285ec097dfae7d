/** The kernel itself ends a fault at its deadline, with no daemon alive, and a renewal moves that deadline. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, jest } from '@jest/globals';
import { createLab, distribution, sendOneWay, type Lab } from '@chaosplane/testkit';
import { kernelCapabilities, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

const capability = await kernelCapabilities();
const COUNT = 20;
/** How much later than the deadline the kernel may take its elements out, in milliseconds. */
const MARGIN_MS = 500;

let lab: Lab;
let daemon: LabDaemon;

beforeEach(async () => {
  lab = createLab();
  daemon = await startLabDaemon(lab);
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

const measure = async (): Promise<{ received: number; leastMs: number }> => {
  const { received, times } = await sendOneWay(lab.target, lab.peer(0), { count: COUNT, burst: 1, withinMs: 700 });
  return { received, leastMs: distribution(times).least };
};

/** The kernel counts a deadline from the moment that it is told, so what takes long to tell ends so much later. */
async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now();
  const result = await work;
  return [result, MARGIN_MS + performance.now() - startedAt];
}

const until = (time: number): Promise<void> => pause(Math.max(0, time - Date.now()));

test.each([
  ['a partition', 'partition', {}],
  ['a total loss', 'loss', { percent: '100' }],
] as const)('%s ends at its TTL although no daemon lives', async (_name, action, parameters) => {
  const [{ expiresAt }, margin] = await timed(daemon.exec(action, parameters, { ttlMs: 4000 }));
  await daemon.leave();
  expect((await measure()).received).toBe(0);
  await until(expiresAt + margin);
  expect((await measure()).received).toBe(COUNT);
});

const { available, detail } = capability('sch-netem');
const withNetem = available ? test : test.skip;
withNetem(`a delay by netem ends so too${available ? '' : ` (this kernel has no netem: ${detail})`}`, async () => {
  const [{ expiresAt }, margin] = await timed(daemon.exec('delay', { latency: '100ms' }, { ttlMs: 5000 }));
  await daemon.leave();
  expect((await measure()).leastMs).toBeGreaterThanOrEqual(99);
  await until(expiresAt + margin);
  const { received, leastMs } = await measure();
  expect(received).toBe(COUNT);
  expect(leastMs).toBeLessThan(50);
});

test('a renewal moves the deadline in the kernel', async () => {
  const [record, margin] = await timed(daemon.exec('partition', {}, { ttlMs: 3000 }));
  await daemon.engine.renewLease({ epoch: 0, executions: [{ id: record.id, ttlMs: 7000 }] });
  const renewed = (await daemon.observe(record)).record.expiresAt;
  await daemon.leave();
  await until(record.expiresAt + margin);
  expect((await measure()).received).toBe(0);
  await until(renewed + margin);
  expect((await measure()).received).toBe(COUNT);
});

test("an operator's lease ends what lives under it, and its renewal moves that in the kernel", async () => {
  const first = (await daemon.engine.renewLease({ epoch: 7, leaseTtlMs: 3000, executions: [] })).leaseExpiresAt ?? 0;
  const [, margin] = await timed(daemon.exec('partition', {}, { operatorEpoch: 7 }));
  const second = (await daemon.engine.renewLease({ epoch: 7, leaseTtlMs: 7000, executions: [] })).leaseExpiresAt ?? 0;
  await daemon.leave();
  await until(first + margin);
  expect((await measure()).received).toBe(0);
  await until(second + margin);
  expect((await measure()).received).toBe(COUNT);
});
