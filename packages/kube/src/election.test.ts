/** Elections on one Lease: one leader at a time, terms that grow, and no candidate trusts another's clock. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ChaosError, createLogger, type Clock } from '@chaosplane/common';
import { eventually } from '@chaosplane/testkit/eventually';
import { fastClock } from '@chaosplane/testkit/clocks';
import { startTestServer, type Failure, type TestServer } from '../test/server.ts';
import { soon } from '../test/soon.ts';
import { createKubeClient } from './client.ts';
import { electLeader, RELEASE_MS, type ElectionOptions, type Leadership } from './election.ts';
import type { Lease } from './kinds.ts';

const logger = createLogger({ level: 'silent' });
const path = '/apis/coordination.k8s.io/v1/namespaces/shop/leases';
/** 15 seconds last 1.5 s. */
const clock = fastClock(10);
/** Times for who must not lose, on a machine that stands still for seconds now and then. */
const PATIENT = { leaseDurationMs: 60_000, renewDeadlineMs: 50_000 };

jest.setTimeout(60_000);

let server: TestServer;
let ended: AbortController;
let leaders: Leadership[];
beforeEach(async () => {
  server = await startTestServer();
  ended = new AbortController();
  leaders = [];
});
afterEach(async () => {
  ended.abort();
  await server[Symbol.asyncDispose]();
  await Promise.all(leaders.map((leader) => leader.release()));
});

async function stand(
  identity: string,
  options: Partial<ElectionOptions> = {},
  at: Clock = clock,
  timeoutMs = 5_000,
): Promise<Leadership> {
  const client = createKubeClient(server.config, { clock: at, timeoutMs });
  const whole = { namespace: 'shop', name: 'leader', identity, ...options };
  const leader = await electLeader(whole, { client, clock: at, logger }, ended.signal);
  leaders.push(leader);
  return leader;
}
const lease = () => server.store.all(path)[0] as Lease | undefined;

test('the first one makes the lease, in the format of client-go', async () => {
  const leader = await stand('a');
  expect(leader.epoch).toBe(Date.parse(lease()?.spec?.acquireTime ?? ''));
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  expect(lease()?.spec).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    leaseTransitions: 0,
    acquireTime: time,
    renewTime: time,
  });
});

test('it renews, and the other waits as long as it does', async () => {
  const leader = await stand('a', PATIENT);
  let other = false;
  void stand('b', PATIENT).then(
    () => (other = true),
    () => undefined,
  );
  const first = lease()?.spec?.renewTime ?? '';
  const acquired = lease()?.spec?.acquireTime;
  const from = clock.monotonic();
  await eventually('70 s have passed', () => clock.monotonic(), { ...soon, is: (now) => now > from + 70_000 });
  expect(other).toBe(false);
  expect(leader.lost.aborted).toBe(false);
  expect((lease()?.spec?.renewTime ?? '') > first).toBe(true);
  expect(lease()?.spec).toMatchObject({ acquireTime: acquired, leaseTransitions: 0, holderIdentity: 'a' });
});

test('after a release the other takes over at once, in the next term, and so does the first one coming back', async () => {
  const first = await stand('a');
  await first.release();
  expect(lease()?.spec).toMatchObject({ holderIdentity: '', leaseTransitions: 0, leaseDurationSeconds: 1 });
  expect(first.lost.aborted).toBe(false);
  const second = await stand('b');
  expect(second.epoch).toBeGreaterThan(first.epoch);
  await second.release();
  await second.release();
  const third = await stand('b');
  expect(third.epoch).toBeGreaterThan(second.epoch);
  expect(lease()?.spec?.leaseTransitions).toBe(2);
});

test('a leader that died is followed after the lease has run out, not before', async () => {
  const from = clock.monotonic();
  // Its clock was an hour ahead: what counts is when we saw it last change.
  const renewTime = new Date(clock.now() + 3_600_000).toISOString().replace('Z', '000Z');
  server.store.put(path, {
    metadata: { namespace: 'shop', name: 'leader' },
    spec: { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime, acquireTime: renewTime, leaseTransitions: 6 },
  });
  const leader = await stand('b');
  expect(clock.monotonic() - from).toBeGreaterThanOrEqual(15_000);
  // And the term is later than its own all the same.
  expect(leader.epoch).toBe(Date.parse(renewTime) + 1);
  expect(lease()?.spec?.leaseTransitions).toBe(7);
});

test('a process that comes back under its old name starts a new term without waiting', async () => {
  const acquireTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
  server.store.put(path, {
    metadata: { namespace: 'shop', name: 'leader' },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 3600, acquireTime, leaseTransitions: 2 },
  });
  expect((await stand('a')).epoch).toBeGreaterThan(Date.parse(acquireTime));
  expect(lease()?.spec?.leaseTransitions).toBe(3);
});

test('who finds another in the lease has lost, and does not touch it', async () => {
  const leader = await stand('a');
  const stolen = { ...lease()?.spec, holderIdentity: 'thief', leaseTransitions: 1 };
  server.store.put(path, { metadata: { namespace: 'shop', name: 'leader' }, spec: stolen });
  await eventually('the leader has lost', () => leader.lost.aborted, soon);
  expect(leader.lost.reason).toBeInstanceOf(ChaosError);
  await leader.release();
  expect(lease()?.spec).toEqual(stolen);
});

test('who cannot renew has lost before another may take over', async () => {
  const stood = clock.monotonic();
  const leader = await stand('a', { leaseDurationMs: 60_000 });
  const elected = clock.monotonic();
  const broken: Failure[] = Array<Failure>(500).fill({ kind: 'status', status: 500 });
  server.misbehave('write', ...broken);
  await eventually('the leader has lost', () => leader.lost.aborted, soon);
  expect(clock.monotonic() - stood).toBeGreaterThanOrEqual(12_000);
  expect(clock.monotonic() - elected).toBeLessThan(60_000);
});

test('a server that hangs does not keep a leader from knowing that it has lost', async () => {
  const leader = await stand('a', { leaseDurationMs: 40_000, renewDeadlineMs: 20_000 });
  server.misbehave('write', ...Array<Failure>(20).fill({ kind: 'hang' }));
  await eventually('the leader has lost', () => leader.lost.aborted, soon);
});

test('a server that hangs does not keep a leader from its end: the lease runs out by itself', async () => {
  const patienceMs = 600_000;
  const leader = await stand('a', PATIENT, clock, patienceMs);
  server.misbehave('write', ...Array<Failure>(20).fill({ kind: 'hang' }));
  const from = clock.monotonic();
  await leader.release();
  // The client alone would have waited for its answer.
  expect(clock.monotonic() - from).toBeGreaterThanOrEqual(RELEASE_MS);
  expect(clock.monotonic() - from).toBeLessThan(patienceMs);
  expect(lease()?.spec?.holderIdentity).toBe('a');
});

test('an API server that takes a third of the lease for each answer keeps its leader', async () => {
  const client = createKubeClient(server.config, { clock, timeoutMs: 5_000 });
  const late = <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      await clock.sleep(20_000);
      return call(...args);
    };
  };
  const slow = { ...client, get: late(client.get), create: late(client.create), replace: late(client.replace) };
  const timing = { leaseDurationMs: 60_000, renewDeadlineMs: 48_000, retryMs: 8_000 };
  const whole = { namespace: 'shop', name: 'leader', identity: 'a', ...timing };
  const leader = await electLeader(whole, { client: slow, clock, logger }, ended.signal);
  leaders.push(leader);
  for (let renewal = 0; renewal < 3; renewal += 1) {
    const before = lease()?.spec?.renewTime ?? '';
    await eventually('the lease is renewed', () => lease()?.spec?.renewTime ?? '', {
      ...soon,
      is: (now) => now > before || leader.lost.aborted,
    });
    expect(leader.lost.aborted).toBe(false);
  }
});

test('errors in between do no harm', async () => {
  server.misbehave('get', { kind: 'status', status: 500 }, { kind: 'reset' });
  server.misbehave('write', { kind: 'status', status: 503 });
  const leader = await stand('a', PATIENT);
  const before = lease()?.spec?.renewTime ?? '';
  server.misbehave('write', { kind: 'reset' }, { kind: 'status', status: 500 });
  await eventually('the lease is renewed', () => lease()?.spec?.renewTime ?? '', {
    ...soon,
    is: (now) => now > before,
  });
  expect(leader.lost.aborted).toBe(false);
});

test('a write whose answer was lost is recognised as our own', async () => {
  const leader = await stand('a', PATIENT);
  server.misbehave('write', { kind: 'mute' }, { kind: 'mute' });
  const before = lease()?.metadata.resourceVersion ?? '';
  await eventually('the lease is renewed three times', () => Number(lease()?.metadata.resourceVersion), {
    ...soon,
    is: (now) => now > Number(before) + 3,
  });
  expect(leader.lost.aborted).toBe(false);
});

test('a lease that a user deleted is made again in the same term', async () => {
  const first = await stand('a', PATIENT);
  await first.release();
  const second = await stand('b', PATIENT);
  server.store.remove(path, 'leader');
  const made = await eventually('a lease is made', lease, soon);
  expect(made.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  expect(second.lost.aborted).toBe(false);
});

test('who waits when a lease is deleted, and makes it first, goes on with the next term', async () => {
  const acquireTime = new Date(clock.now() + 3_600_000).toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: 'a', leaseDurationSeconds: 3600, acquireTime, leaseTransitions: 4 };
  server.store.put(path, { metadata: { namespace: 'shop', name: 'leader' }, spec });
  const waiting = stand('b');
  await server.arrived('get', 2);
  server.store.remove(path, 'leader');
  expect((await waiting).epoch).toBe(Date.parse(acquireTime) + 1);
  expect(lease()?.spec?.leaseTransitions).toBe(5);
});

test('a lease that is made again, as by a new installation, is in a later term than the one before', async () => {
  const first = await stand('a', PATIENT);
  await first.release();
  const second = await stand('b', PATIENT);
  await second.release();
  server.store.remove(path, 'leader');
  const third = await stand('c', PATIENT);
  expect(lease()?.spec?.leaseTransitions).toBe(0);
  expect(third.epoch).toBeGreaterThan(second.epoch);
});

test('a lease that was restored from a backup, held by another, is lost by who led since', async () => {
  const old = await stand('old', PATIENT);
  const backup = lease();
  await old.release();
  const leader = await stand('a', PATIENT);
  server.store.put(path, { metadata: { namespace: 'shop', name: 'leader' }, spec: backup?.spec ?? {} });
  await eventually('the leader has lost', () => leader.lost.aborted, soon);
});

test('of eight who stand at once one is elected', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const standing = names.map((name) => stand(name, PATIENT).catch(() => undefined));
  await Promise.race(standing);
  const from = clock.monotonic();
  await eventually('70 s have passed', () => clock.monotonic(), { ...soon, is: (now) => now > from + 70_000 });
  expect(leaders).toHaveLength(1);
});

test('waiting ends with the signal, and times that cannot work are refused together', async () => {
  await stand('a');
  const waiting = stand('b');
  await server.arrived('get', 2);
  const reason = new Error('enough');
  ended.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  const wrong = { leaseDurationMs: 500, renewDeadlineMs: 600, retryMs: 700 };
  await expect(stand('c', wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', problems: { length: 3 } });
});
