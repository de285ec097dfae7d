/** A client that knows only the first contract drives the three network faults on a real pod; real traffic is measured. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { fingerprint } from '@chaosplane/testbed';
import { addressOf, sendOneWay } from '@chaosplane/testkit';
import { oldClient, type OldClient } from './old-client.ts';
import { arriving, changesSince, createPodLab, oneWayTimes, TWENTY, type PodEnd, type PodLab } from './pod-lab.ts';

let lab: PodLab;
let target: PodEnd;
let near: PodEnd;
let far: PodEnd;
let client: OldClient;
let before: string;

beforeAll(async () => {
  lab = await createPodLab();
  [target, near, far] = [await lab.addEnd('target'), await lab.addEnd('near'), await lab.addEnd('far')];
  const { daemon } = await lab.startDaemon();
  client = oldClient(daemon.socketPath);
}, 60_000);

afterAll(async () => {
  await lab.close();
  client.close();
}, 120_000);

beforeEach(async () => {
  before = await fingerprint(target.path);
});

/** After each test its fault is cancelled, and nothing of it may be left. */
let executionId = '';
afterEach(async () => {
  expect((await client.cancel(executionId)).message).toContain('nothing of it is left');
  expect(await changesSince(before, target)).toEqual([]);
  expect(await arriving(target, near)).toBe(TWENTY);
});

async function inject(action: string, parameters: Readonly<Record<string, string>>): Promise<void> {
  const answer = await client.exec(action, 'target', parameters);
  executionId = answer.executionId;
  expect(answer.message).toMatch(/is active until .*Z at the latest/);
}

describe.each([4, 6] as const)('over IPv%d', (family) => {
  test('a delay of 100 ms is a delay of 100 ms', async () => {
    const undisturbed = await oneWayTimes(target, near, family);
    await inject('delay', { latency: '100ms' });
    const delayed = await oneWayTimes(target, near, family);
    expect(delayed.median - undisturbed.median).toBeGreaterThanOrEqual(88);
    expect(delayed.median - undisturbed.median).toBeLessThanOrEqual(112);
    expect((await oneWayTimes(near, target, family)).median).toBeLessThan(undisturbed.median + 12);
  }, 120_000);

  test('a loss of 30 % loses 30 % of 6,000 packets', async () => {
    await inject('loss', { percent: '30' });
    const { sent, received, sendErrors } = await sendOneWay(target, near, { count: 6000, family });
    const lostPercent = (100 * (sent - received)) / sent;
    expect(lostPercent).toBeGreaterThan(27);
    expect(lostPercent).toBeLessThan(33);
    expect(sendErrors).toBe(0);
  }, 120_000);

  test.each([
    ['egress', 0, TWENTY],
    ['ingress', TWENTY, 0],
    ['both', 0, 0],
  ])(
    'a partition (%s) is total in that direction, and nowhere else',
    async (direction, there, back) => {
      await inject('partition', { direction, target_cidr: addressOf(near, family) });
      expect(await arriving(target, near, family)).toBe(there);
      expect(await arriving(near, target, family)).toBe(back);
      expect(await arriving(target, far, family)).toBe(TWENTY);
      expect(await arriving(far, target, family)).toBe(TWENTY);
    },
    120_000,
  );
});

test('a TTL that the client did not give is the default of the daemon, and it is told', async () => {
  const answer = await client.exec('partition', 'target', { targetCidr: '192.0.2.1' });
  executionId = answer.executionId;
  const until = /until (\S+) at the latest/.exec(answer.message)?.[1] ?? '';
  const minutes = (Date.parse(until) - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(9.9);
  expect(minutes).toBeLessThanOrEqual(10);
});
