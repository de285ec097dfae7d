/** What the evidence tells beside how many packets were hit, on a real kernel: what waits, what was lost, what goes on waiting. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createLab, eventually, openFlow, sendOneWay, type Lab } from '@chaosplane/testkit';
import { waitingConnections } from '../../src/host/kernel/sock-diag.ts';
import { kernelCapabilities, shapersOfKernel, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(120_000);

const hasNetem = (await kernelCapabilities())('sch-netem').available;

let lab: Lab;
let daemon: LabDaemon | undefined;

beforeEach(() => {
  lab = createLab({ peers: 1 });
});

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
  lab.close();
});

describe.each([4, 6] as const)('a partition of a connection over IPv%d', (family) => {
  test.each(['egress', 'ingress'] as const)('of %s says at its end how long TCP goes on waiting', async (direction) => {
    daemon = await startLabDaemon(lab);
    const flow = await openFlow(lab.target, lab.peer(0), { family });
    expect(await flow?.exchange(5000)).toBeDefined();
    expect(waitingConnections(lab.target.netns)).toEqual({ count: 0, longestMs: 0 });
    const record = await daemon.exec('partition', { direction, protocol: 'tcp' });
    const answer = flow?.exchange(60_000);
    // Neither end sends again while the fault ends: an answer that comes then ends the wait.
    const waits = ({ netns }: { netns: Parameters<typeof waitingConnections>[0] }) =>
      waitingConnections(netns).longestMs;
    const silentEnds = direction === 'egress' ? [lab.target] : [lab.target, lab.peer(0)];
    await eventually('every silent end waits for a second', () => silentEnds.every((end) => waits(end) > 1000), {
      withinMs: 30_000,
    });
    const ended = await daemon.cancel(record);
    expect(ended?.notes.join()).toMatch(/1 connection of the pod still waits to send again, until \d+ s from the end/);
    expect(ended?.evidence).toMatchObject({ verdict: 'verified', counters: { connections_waiting: 1 } });
    expect(await answer).toBeDefined();
    expect(waitingConnections(lab.target.netns).count).toBe(0);
    flow?.close();
  });
});

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    test('that is longer than the experiment is verified, by what waits', async () => {
      daemon = await startLabDaemon(lab, { engine });
      const record = await daemon.exec('delay', { latency: '1m', protocol: 'udp' });
      await sendOneWay(lab.target, lab.peer(0), { count: 20, withinMs: 0 });
      const { evidence } = await daemon.observe(record);
      expect(evidence).toMatchObject({ verdict: 'verified', counters: { packets_matched: 20 } });
      if (engine === 'netem')
        expect(evidence).toMatchObject({
          summary: '0 packets delayed by 1m, 20 packets wait, of 20 packets in scope',
          // With their headers: 64 bytes of payload, UDP, IPv4, Ethernet.
          counters: { packets_held: 20, bytes_held: 20 * 106, packets_delayed: 0, packets_lost_full: 0 },
        });
    });
  });
}

const netem = hasNetem ? describe : describe.skip;
netem('a delay by netem', () => {
  test('holds no more packets than the memory of a namespace allows, and says what it lost', async () => {
    daemon = await startLabDaemon(lab, { engine: 'netem' });
    const record = await daemon.exec('delay', { latency: '1m', protocol: 'udp' });
    const sent = 4000;
    await sendOneWay(lab.target, lab.peer(0), { count: sent, burst: 100, withinMs: 0 });
    const { evidence } = await daemon.observe(record);
    // 256 MiB of packets of 64 KiB.
    expect(evidence).toMatchObject({
      verdict: 'verified',
      counters: { packets_matched: sent, packets_held: 3640, packets_lost_full: sent - 3640 },
    });
  });

  test('with a correlation that it does not have is refused, and left to the other engine where there is one', async () => {
    daemon = await startLabDaemon(lab, { engine: 'netem' });
    const correlated = { latency: '100ms', jitter: '60ms', correlation: '90' };
    await expect(daemon.exec('delay', correlated)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('has no effect in netem'),
    });
    await daemon.close();
    daemon = await startLabDaemon(lab);
    expect((await daemon.exec('delay', correlated)).work).not.toMatchObject({ engine: 'netem' });
  });

  test('together with another that makes more than it can is refused', async () => {
    daemon = await startLabDaemon(lab, { engine: 'netem' });
    await daemon.exec('delay', { latency: '150s', protocol: 'udp' });
    await expect(daemon.exec('delay', { latency: '150s' })).rejects.toMatchObject({
      message: expect.stringContaining('5m in all'),
    });
  });
});
