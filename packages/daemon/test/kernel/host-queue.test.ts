/** The queue backend against a real kernel: packets between two namespaces are timed. */
import { afterEach, beforeEach, describe, expect, test, jest } from '@jest/globals';
import { createLab, distribution, sendOneWay, type Lab } from '@chaosplane/testkit';
import type { Host, Netns, QueueLayer } from '../../src/contract/host.ts';
import { createHost } from '../../src/host/real-host.ts';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

const MASK = 0x00ff0000;
const QUEUE = 0xc4a0;
const PORT = 9000;

let lab: Lab;
let host: Host;
let netns: Netns;

beforeEach(async () => {
  lab = createLab();
  host = await createHost({ nodeName: 'node' });
  netns = host.openNetns(lab.target.path);
  netns.nft([
    'add table inet cptest',
    'add chain inet cptest before { type filter hook postrouting priority 140 ; }',
    `add rule inet cptest before udp dport ${PORT} meta mark set meta mark or 0x00034000`,
    'add counter inet cptest cleared',
    'add chain inet cptest after { type filter hook postrouting priority 160 ; }',
    `add rule inet cptest after udp dport ${PORT} meta mark 0x00004000 counter name cleared`,
  ]);
  netns.addQueueTable('cptest_queue', MASK, QUEUE);
});

afterEach(async () => {
  await netns.close();
  await host.close();
  lab.close();
});

const layer = (bit: number, latencyMs: number, jitterMs = 0): QueueLayer => ({
  bit,
  latencyMs,
  jitterMs,
  correlationPercent: 0,
  corrupts: false,
});

const serve = (...layers: QueueLayer[]): Promise<void> => netns.serveQueue(QUEUE, { mask: MASK, layers });

/** Sends packets one by one, and gives the milliseconds that each took. */
const timed = async (count: number, withinMs: number): Promise<readonly number[]> => {
  const sending = { count, port: PORT, withinMs, burst: 1, everyMs: 3 };
  return (await sendOneWay(lab.target, lab.peer(0), sending)).times;
};

const median = (times: readonly number[]): number => distribution(times).median;

describe('the queue engine', () => {
  test('adds the delays of all bits of a packet, counts them, and clears our bits only', async () => {
    await serve(layer(0x10000, 60), layer(0x20000, 40));
    const took = await timed(40, 2000);
    expect(took).toHaveLength(40);
    expect(Math.min(...took)).toBeGreaterThanOrEqual(99);
    expect(median(took)).toBeLessThanOrEqual(112);
    const { handled } = await netns.queueStatistics();
    expect([...handled]).toEqual([
      [0x10000, 40],
      [0x20000, 40],
    ]);
    expect(netns.nft(['list counter inet cptest cleared'])).toMatch(/packets 40 /);
  });

  test('spreads packets over latency ± jitter', async () => {
    await serve(layer(0x10000, 50, 20));
    const took = await timed(100, 2000);
    expect(Math.min(...took)).toBeGreaterThanOrEqual(29);
    expect(Math.min(...took)).toBeLessThan(42);
    expect(Math.max(...took)).toBeGreaterThan(58);
    expect(median(took)).toBeGreaterThan(40);
  });

  test('lets packets pass when no process listens: before it starts, and after it has stopped', async () => {
    expect(median(await timed(20, 1000))).toBeLessThan(20);
    await serve(layer(0x10000, 100));
    await netns.stopQueue();
    await netns.stopQueue();
    const took = await timed(20, 1000);
    expect(took).toHaveLength(20);
    expect(median(took)).toBeLessThan(20);
  });

  test('lets waiting packets go when it stops', async () => {
    await serve(layer(0x10000, 60_000));
    const sending = timed(20, 5000);
    while (((await netns.queueStatistics()).handled.get(0x10000) ?? 0) < 20);
    await netns.stopQueue();
    expect(await sending).toHaveLength(20);
  });

  test('keeps the time of waiting packets when the policy changes', async () => {
    await serve(layer(0x10000, 400));
    const sending = timed(10, 3000);
    while (((await netns.queueStatistics()).handled.get(0x10000) ?? 0) < 10);
    await serve(layer(0x10000, 0));
    expect(median(await sending)).toBeGreaterThanOrEqual(399);
    expect(median(await timed(10, 1000))).toBeLessThan(20);
  });

  test('starts again after it has stopped', async () => {
    await serve(layer(0x10000, 10));
    await netns.stopQueue();
    await serve(layer(0x10000, 40));
    expect(median(await timed(20, 1000))).toBeGreaterThanOrEqual(39);
  });

  test('refuses a queue that another process serves', async () => {
    await serve(layer(0x10000, 10));
    const other = await createHost({ nodeName: 'other' });
    const same = other.openNetns(lab.target.path);
    await expect(same.serveQueue(QUEUE, { mask: MASK, layers: [] })).rejects.toThrow(`bind to queue ${QUEUE}`);
    await same.close();
    await other.close();
  });
});
