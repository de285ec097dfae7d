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
}, 30_000);

async function exec(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const request = { experimentId: 'stacking', action, parameters: { podName: 'target', ...parameters } };
  return (await daemon.client.execNetworkChaos(request)).executionId;
}

async function expectDelayed(end: PodEnd, undisturbedMs: number): Promise<void> {
  const { median } = await oneWayTimes(target, end);
  expect(median - undisturbedMs).toBeGreaterThanOrEqual(88);
  expect(median - undisturbedMs).toBeLessThanOrEqual(112);
}

test.each(['delay', 'partition'] as const)(
  'a delay of everybody and a partition from one, the %s cancelled first',
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
      expect((await oneWayTimes(target, far)).median).toBeLessThan(undisturbed + 12);
    } else {
      await expectDelayed(near, undisturbed);
      await expectDelayed(far, undisturbed);
      expect(await arriving(near, target)).toBe(TWENTY);
    }

    await daemon.client.cancelChaos({ executionId: first === 'delay' ? partition : delay });
    expect(await changesSince(before, target)).toEqual([]);
    for (const end of [near, far]) expect((await oneWayTimes(target, end)).median).toBeLessThan(undisturbed + 12);
  },
  30_000,
);
