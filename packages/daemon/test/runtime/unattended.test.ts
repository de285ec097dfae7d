/** A daemon that is killed by SIGKILL and never comes back: the kernel itself ends its faults at their deadlines. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { fingerprint } from '@chaosplane/testbed';
import { durationOf } from '@chaosplane/proto';
import { startDoomed, type Doomed } from './doomed.ts';
import { arriving, changesSince, createPodLab, oneWayTimes, TWENTY, type PodEnd, type PodLab } from './pod-lab.ts';

/** How much later than the deadline the kernel may take its elements out, in milliseconds. */
const MARGIN_MS = 700;

let lab: PodLab;
let target: PodEnd;
let near: PodEnd;
let doomed: Doomed;
let before: string;

beforeAll(async () => {
  lab = await createPodLab();
  [target, near] = [await lab.addEnd('target'), await lab.addEnd('near')];
}, 60_000);

afterAll(async () => {
  await lab.close();
}, 120_000);

beforeEach(async () => {
  before = await fingerprint(target.path);
  doomed = await startDoomed(lab, 0);
}, 120_000);

/** The next daemon finds what is over and removes the last of it. */
afterEach(async () => {
  await doomed.kill();
  const next = await lab.startDaemon({ stateDir: doomed.stateDir });
  expect((await next.client.listExecutions({})).executions).toEqual([]);
  expect(await changesSince(before, target)).toEqual([]);
  await next.stop();
}, 120_000);

async function exec(action: string, parameters: Readonly<Record<string, string>>, ttlMs: number) {
  const { executionId, expiresAt } = await doomed.client.execNetworkChaos({
    action,
    parameters: { podName: 'target', ...parameters },
    options: { ttl: durationOf(ttlMs) },
  });
  return { executionId, expiresAt: expiresAt?.getTime() ?? 0 };
}

const until = (time: number): Promise<void> => pause(Math.max(0, time - Date.now()));

test('a partition lasts until its TTL, and no longer', async () => {
  const { expiresAt } = await exec('partition', {}, 3000);
  await doomed.kill();
  expect(await arriving(target, near)).toBe(0);
  expect(await arriving(near, target)).toBe(0);
  await until(expiresAt + MARGIN_MS);
  expect(await arriving(target, near)).toBe(TWENTY);
  expect(await arriving(near, target)).toBe(TWENTY);
}, 120_000);

test('a delay is over at its TTL; where user space made it, at once', async () => {
  const { expiresAt, executionId } = await exec('delay', { latency: '100ms' }, 4000);
  expect((await oneWayTimes(target, near)).least).toBeGreaterThanOrEqual(99);
  const engine = (await doomed.client.getExecution({ executionId })).evidence?.engine;
  await doomed.kill();
  const { least, median } = await oneWayTimes(target, near);
  if (engine !== 'netem') expect(median).toBeLessThan(30);
  else expect(least).toBeGreaterThanOrEqual(99);
  await until(expiresAt + MARGIN_MS);
  expect((await oneWayTimes(target, near)).median).toBeLessThan(30);
}, 120_000);

test('a renewal moves the deadline in the kernel, although the daemon dies right after it', async () => {
  const { executionId, expiresAt } = await exec('partition', {}, 3000);
  await doomed.client.renewLease({ executions: [{ executionId, ttl: durationOf(6000) }] });
  const renewedUntil = Date.now() + 6000;
  await doomed.kill();
  await until(expiresAt + MARGIN_MS);
  expect(await arriving(target, near)).toBe(0);
  await until(renewedUntil + MARGIN_MS);
  expect(await arriving(target, near)).toBe(TWENTY);
}, 120_000);

test("an operator's lease ends its faults in the kernel, and renewing the lease keeps them", async () => {
  const lease = { operatorEpoch: 4n, leaseTtl: durationOf(3000), executions: [] };
  const first = (await doomed.client.renewLease(lease)).leaseExpiresAt?.getTime() ?? 0;
  await doomed.client.execNetworkChaos({
    action: 'partition',
    parameters: { podName: 'target' },
    options: { operatorEpoch: 4n },
  });
  const renewed = await doomed.client.renewLease({ ...lease, leaseTtl: durationOf(6000) });
  await doomed.kill();
  await until(first + MARGIN_MS);
  expect(await arriving(target, near)).toBe(0);
  await until((renewed.leaseExpiresAt?.getTime() ?? 0) + MARGIN_MS);
  expect(await arriving(target, near)).toBe(TWENTY);
}, 120_000);
