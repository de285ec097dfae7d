/** The kernel itself ends a fault at its deadline, with no daemon alive, and a renewal moves that deadline. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLab, distribution, sendOneWay, type Lab } from '@chaosplane/testkit';
import { kernelCapabilities, startLabDaemon, type LabDaemon } from './lab-daemon.ts';

const capability = await kernelCapabilities();
const COUNT = 20;
/** How much later than the deadline the kernel may take its elements out, in milliseconds. */
const MARGIN_MS = 700;

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
  const { received, times } = await sendOneWay(lab.target, lab.peer(0), { count: COUNT, burst: 1, withinMs: 300 });
  return { received, leastMs: distribution(times).least };
};

const until = (time: number): Promise<void> => pause(Math.max(0, time - Date.now()));

test.each([
  ['a partition', 'partition', {}],
  ['a total loss', 'loss', { percent: '100' }],
] as const)('%s ends at its TTL although no daemon lives', async (_name, action, parameters) => {
  const { expiresAt } = await daemon.exec(action, parameters, { ttlMs: 3000 });
  await daemon.leave();
  expect((await measure()).received).toBe(0);
  await until(expiresAt + MARGIN_MS);
  expect((await measure()).received).toBe(COUNT);
});

const { available, detail } = capability('sch-netem');
const withNetem = available ? test : test.skip;
withNetem(`a delay by netem ends so too${available ? '' : ` (this kernel has no netem: ${detail})`}`, async () => {
  const { expiresAt } = await daemon.exec('delay', { latency: '100ms' }, { ttlMs: 4000 });
  await daemon.leave();
  expect((await measure()).leastMs).toBeGreaterThanOrEqual(99);
  await until(expiresAt + MARGIN_MS);
  const { received, leastMs } = await measure();
  expect(received).toBe(COUNT);
  expect(leastMs).toBeLessThan(50);
});

test('a renewal moves the deadline in the kernel', async () => {
  const record = await daemon.exec('partition', {}, { ttlMs: 3000 });
  await daemon.engine.renewLease({ epoch: 0, executions: [{ id: record.id, ttlMs: 6000 }] });
  const renewed = (await daemon.observe(record)).record.expiresAt;
  await daemon.leave();
  await until(record.expiresAt + MARGIN_MS);
  expect((await measure()).received).toBe(0);
  await until(renewed + MARGIN_MS);
  expect((await measure()).received).toBe(COUNT);
}, 30_000);

test("an operator's lease ends what lives under it, and its renewal moves that in the kernel", async () => {
  const first = (await daemon.engine.renewLease({ epoch: 7, leaseTtlMs: 3000, executions: [] })).leaseExpiresAt ?? 0;
  await daemon.exec('partition', {}, { operatorEpoch: 7 });
  const second = (await daemon.engine.renewLease({ epoch: 7, leaseTtlMs: 6000, executions: [] })).leaseExpiresAt ?? 0;
  await daemon.leave();
  await until(first + MARGIN_MS);
  expect((await measure()).received).toBe(0);
  await until(second + MARGIN_MS);
  expect((await measure()).received).toBe(COUNT);
}, 30_000);
