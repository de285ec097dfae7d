/** Two faults on one real pod, cancelled in both orders: the one that is left still measures right, and then nothing is. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fingerprint } from '@chaosplane/testbed';
import {
  arriving,
  changesSince,
  createPodLab,
  oneWayTimes,
  TWENTY,
  type PodDaemon,
  type PodEnd,
  type PodLab,
} from './pod-lab.ts';

let lab: PodLab;
let target: PodEnd;
let near: PodEnd;
let far: PodEnd;
let daemon: PodDaemon;

beforeAll(async () => {
  lab = await createPodLab();
  [target, near, far] = [await lab.addEnd('target'), await lab.addEnd('near'), await lab.addEnd('far')];
  daemon = await lab.startDaemon();
}, 60_000);

afterAll(async () => {
  await lab.close();
}, 120_000);

async function exec(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const request = { experimentId: 'stacking', action, parameters: { podName: 'target', ...parameters } };
  return (await daemon.client.execNetworkChaos(request)).executionId;
}

/** A busy machine makes packets late in some tries; a fault that is wrong does so in all. */
async function leastMedian(end: PodEnd, enoughMs: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < 6 && least > enoughMs; tried++)
    least = Math.min(least, (await oneWayTimes(target, end)).median);
  return least;
}

async function expectDelayed(end: PodEnd, undisturbedMs: number): Promise<void> {
  const added = (await leastMedian(end, undisturbedMs + 112)) - undisturbedMs;
  expect(added).toBeGreaterThanOrEqual(88);
  expect(added).toBeLessThanOrEqual(112);
}

async function expectPrompt(end: PodEnd, undisturbedMs: number): Promise<void> {
  expect(await leastMedian(end, undisturbedMs + 12)).toBeLessThan(undisturbedMs + 12);
}

test.each(['delay', 'partition'] as const)(
  'a delay of every peer and a partition from one, the %s cancelled first',
  async (first) => {
    const before = await fingerprint(target.path);
    const undisturbed = (await oneWayTimes(target, far)).median;
    const delay = await exec('delay', { latency: '100ms' });
    const partition = await exec('partition', { targetCidr: near.ipv4 });
    await expectDelayed(far, undisturbed);
    expect(await arriving(target, near)).toBe(0);
    expect(await arriving(near, target)).toBe(0);

    await daemon.client.cancelChaos({ executionId: first === 'delay' ? delay : partition });
    if (first === 'delay') {
      expect(await arriving(target, near)).toBe(0);
      expect(await arriving(near, target)).toBe(0);
      await expectPrompt(far, undisturbed);
    } else {
      await expectDelayed(near, undisturbed);
      await expectDelayed(far, undisturbed);
      expect(await arriving(near, target)).toBe(TWENTY);
    }

    await daemon.client.cancelChaos({ executionId: first === 'delay' ? partition : delay });
    expect(await changesSince(before, target)).toEqual([]);
    for (const end of [near, far]) await expectPrompt(end, undisturbed);
  },
  120_000,
);
