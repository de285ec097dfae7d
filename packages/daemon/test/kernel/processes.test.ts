/** How many processes are started: by an injection none on the nft path and one tc batch at most for a delay, by a sweep none. */
import { channel } from 'node:diagnostics_channel';
import { createLab, type Lab } from '@chaosplane/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { kernelCapabilities, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

const capability = await kernelCapabilities();
const withNetem = capability('sch-netem').available ? test : test.skip;

let lab: Lab;
let daemon: LabDaemon;
let processes = 0;
const count = (): number => processes++;

beforeAll(async () => {
  lab = createLab();
  daemon = await startLabDaemon(lab);
  // What a node can do is found out once in a daemon's life, and takes processes.
  await daemon.engine.host.capabilities();
  channel('child_process').subscribe(count);
}, 60_000);

afterAll(async () => {
  channel('child_process').unsubscribe(count);
  await daemon.close();
  lab.close();
}, 60_000);

async function injected(action: 'delay' | 'loss' | 'partition', parameters: Record<string, string>): Promise<number> {
  const before = processes;
  const record = await daemon.exec(action, parameters);
  const started = processes - before;
  await daemon.cancel(record);
  return started;
}

describe('an injection', () => {
  test('of a partition or a loss starts no process', async () => {
    expect(await injected('partition', { peers: '10.0.0.1' })).toBe(0);
    expect(await injected('loss', { percent: '10' })).toBe(0);
  }, 60_000);

  test('the count would see one', async () => {
    const before = processes;
    const netns = daemon.engine.host.openNetns(lab.target.path);
    await netns.tc(['qdisc show dev lo']);
    await netns.close();
    expect(processes - before).toBe(1);
  }, 60_000);

  test('of a delay starts one at most', async () => {
    expect(await injected('delay', { latency: '1ms' })).toBeLessThanOrEqual(1);
  }, 60_000);

  test('that a daemon finds when it starts, with its journal lost, is found and removed without one', async () => {
    const earlier = await startLabDaemon(lab);
    await earlier.exec('loss', { percent: '10' });
    await earlier.leave();
    const before = processes;
    const next = await startLabDaemon(lab);
    expect(next.engine.swept.orphans).toEqual([lab.target.path]);
    expect(processes - before).toBe(0);
    await next.close();
  }, 60_000);

  withNetem(
    'of a delay by netem is one tc batch',
    async () => {
      const netem = await startLabDaemon(lab, { engine: 'netem' });
      await netem.engine.host.capabilities();
      const before = processes;
      const record = await netem.exec('delay', { latency: '1ms' });
      expect(processes - before).toBe(1);
      await netem.cancel(record);
      await netem.close();
    },
    60_000,
  );
});
