/** The three network faults through the engine on a real kernel: traffic is sent and measured. */
import { afterEach, beforeEach, describe, expect, test, jest } from '@jest/globals';
import {
  addressOf,
  connects,
  createLab,
  distribution,
  openFlow,
  sendOneWay,
  tcpConnectTime,
  type Family,
  type Lab,
  type LabNamespace,
} from '@chaosplane/testkit';
import { expectTimes } from './late.ts';
import { kernelCapabilities, shapersOfKernel, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

const capability = await kernelCapabilities();

/** Packets of a count that is small, for questions whose answer is all or nothing. */
const FEW = 20;

let lab: Lab;
let daemon: LabDaemon;
/** Milliseconds that emulated machines may be late by; 2 on real ones. */
let tolerance = 2;

beforeEach(async () => {
  lab = createLab({ peers: 2 });
  tolerance = Math.max(2, 10 * distribution(await timesTo(lab.peer(0))).median);
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

async function timesTo(to: LabNamespace, family: Family = 4): Promise<readonly number[]> {
  const sent = { count: 30, family, burst: 1, everyMs: 3, withinMs: 3000 };
  const { times, received } = await sendOneWay(lab.target, to, sent);
  expect(received).toBe(30);
  return times;
}

async function arriving(from: LabNamespace, to: LabNamespace, family: Family = 4, port = 9000): Promise<number> {
  return (await sendOneWay(from, to, { count: FEW, family, port, withinMs: 300 + 10 * tolerance })).received;
}

/** How often a busy machine is measured at the most. */
const TRIES = 5;

/** Times of packets, measured once. */
type Measure = () => Promise<readonly number[]>;

/** Never early, and late by no more than a tenth, with what the machine itself needs. Returns how often it was measured. */
const expectDelay = (measure: Measure, ms: number): Promise<number> =>
  expectTimes(measure, { earliest: ms - 1, latest: 1.1 * ms + tolerance, tries: TRIES });

const expectPrompt = (measure: Measure): Promise<number> =>
  expectTimes(measure, { latest: tolerance + 5, tries: TRIES });

/** A group of tests that says why it is skipped where the kernel lacks something. */
function describeWith(name: string, needed: Parameters<typeof capability>[0], body: () => void): void {
  const { available, detail } = capability(needed);
  if (available) describe(name, body);
  else describe.skip(`${name} (this kernel has no ${needed}: ${detail})`, body);
}

test('a delay is carried out by netem where the kernel has it, else in user space', async () => {
  daemon = await startLabDaemon(lab);
  const record = await daemon.exec('delay', { latency: '100ms' });
  expect(record.work.engine).toBe(capability('sch-netem').available ? 'netem' : 'tap');
  await expectDelay(() => timesTo(lab.peer(0)), 100);
});

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    beforeEach(async () => {
      daemon = await startLabDaemon(lab, { engine });
    });

    test.each([4, 6] as const)('of 100 ms is felt over IPv%d, by its peer only, and ends', async (family) => {
      const record = await daemon.exec('delay', { latency: '100ms', peers: addressOf(lab.peer(0), family) });
      const tried = await expectDelay(() => timesTo(lab.peer(0), family), 100);
      await expectPrompt(() => timesTo(lab.peer(1), family));
      const { evidence } = await daemon.observe(record);
      expect(evidence).toMatchObject({ engine, verdict: 'verified', counters: { packets_delayed: 30 * tried } });
      await daemon.cancel(record);
      await expectPrompt(() => timesTo(lab.peer(0), family));
    });

    test('of what the pod sends does not touch what it receives', async () => {
      await daemon.exec('delay', { latency: '300ms' });
      await expectPrompt(async () => (await sendOneWay(lab.peer(0), lab.target, { count: FEW, burst: 1 })).times);
    });

    test('holds a TCP connection up by its latency', async () => {
      const usual = (await tcpConnectTime(lab.target, lab.peer(0))) ?? 0;
      await daemon.exec('delay', { latency: '100ms', protocol: 'tcp', ports: '9000' });
      const tries: number[] = [];
      for (let index = 0; index < 5; index++) tries.push((await tcpConnectTime(lab.target, lab.peer(0))) ?? 0);
      // None is early; a busy machine may make one late, but not all of them.
      expect(Math.min(...tries)).toBeGreaterThanOrEqual(99);
      expect(Math.min(...tries)).toBeLessThanOrEqual(110 + tolerance + 6 * usual);
      await expectPrompt(() => timesTo(lab.peer(0)));
    });

    test('adds up with another where their scopes overlap', async () => {
      const first = await daemon.exec('delay', { latency: '60ms' });
      await daemon.exec('delay', { latency: '40ms', peers: lab.peer(0).ipv4 });
      await expectDelay(() => timesTo(lab.peer(0)), 100);
      await expectDelay(() => timesTo(lab.peer(1)), 60);
      await daemon.cancel(first);
      await expectDelay(() => timesTo(lab.peer(0)), 40);
      await expectPrompt(() => timesTo(lab.peer(1)));
    });

    test('with jitter spreads around its latency', async () => {
      await daemon.exec('delay', { latency: '60ms', jitter: '30ms' });
      const bound = 90 + tolerance;
      let { least, most, median } = distribution(await timesTo(lab.peer(0)));
      // A busy machine makes packets late in some tries; a fault that is wrong does so in all.
      for (let tried = 1; tried < 5 && (median > bound || least >= 60); tried++)
        ({ least, most, median } = distribution(await timesTo(lab.peer(0))));
      expect(least).toBeGreaterThanOrEqual(29);
      expect(least).toBeLessThan(60);
      expect(most).toBeGreaterThan(65);
      expect(median).toBeLessThanOrEqual(bound);
    });
  });
}

describe('a loss', () => {
  test.each([
    [4, 'egress', 'netdev'],
    [6, 'egress', 'netdev'],
    [4, 'ingress', 'netdev'],
    [4, 'egress', 'inet'],
    [6, 'ingress', 'inet'],
  ] as const)('of 30 %% over IPv%d, %s, in the %s hooks', async (family, direction, hooks) => {
    if (hooks === 'netdev' && !capability('netdev-egress').available) return;
    daemon = await startLabDaemon(lab, { hooks });
    const record = await daemon.exec('loss', { percent: '30', direction, peers: addressOf(lab.peer(0), family) });
    const [from, to] = direction === 'egress' ? [lab.target, lab.peer(0)] : [lab.peer(0), lab.target];
    const { received, sent, duplicates, corrupted } = await sendOneWay(from, to, { count: 5000, family });
    const lostPercent = (100 * (sent - received)) / sent;
    expect(lostPercent).toBeGreaterThan(27);
    expect(lostPercent).toBeLessThan(33);
    expect({ duplicates, corrupted }).toEqual({ duplicates: 0, corrupted: 0 });
    expect(await arriving(from, lab.peer(1) === to ? lab.peer(0) : to, family === 4 ? 6 : 4)).toBe(FEW);
    const { evidence } = await daemon.observe(record);
    expect(evidence?.counters).toMatchObject({ packets_matched: sent, packets_dropped: sent - received });
    await daemon.cancel(record);
    expect(await arriving(from, to, family)).toBe(FEW);
  });

  test('keeps its counts while another fault comes and goes', async () => {
    daemon = await startLabDaemon(lab);
    const record = await daemon.exec('loss', { percent: '50', direction: 'egress', peers: lab.peer(0).ipv4 });
    await sendOneWay(lab.target, lab.peer(0), { count: 200 });
    const before = (await daemon.observe(record)).evidence?.counters;
    expect(before).toMatchObject({ packets_matched: 200 });
    const other = await daemon.exec('partition', { peers: lab.peer(1).ipv4 });
    expect((await daemon.observe(record)).evidence?.counters).toEqual(before);
    await daemon.cancel(other);
    expect((await daemon.observe(record)).evidence?.counters).toEqual(before);
    await sendOneWay(lab.target, lab.peer(0), { count: 100 });
    expect((await daemon.observe(record)).evidence?.counters).toMatchObject({ packets_matched: 300 });
  });
});

for (const hooks of ['netdev', 'inet'] as const) {
  describeWith(`a partition in the ${hooks} hooks`, hooks === 'netdev' ? 'netdev-egress' : 'nftables', () => {
    beforeEach(async () => {
      daemon = await startLabDaemon(lab, { hooks });
    });

    test.each([
      [4, 'egress'],
      [4, 'ingress'],
      [6, 'egress'],
      [6, 'ingress'],
      [4, 'both'],
    ] as const)('over IPv%d, %s, is total there, and nowhere else', async (family, direction) => {
      const [near, far] = [lab.peer(0), lab.peer(1)];
      const record = await daemon.exec('partition', { direction, targetCidr: addressOf(near, family) });
      const there = await sendOneWay(lab.target, near, { count: FEW, family });
      expect(there.received).toBe(direction === 'ingress' ? FEW : 0);
      // In the inet hooks of a kernel without nft queue the sender is told; on a bad link nothing tells it.
      const told = direction !== 'ingress' && hooks === 'inet' && !capability('nft-queue').available;
      expect(there.sendErrors).toBe(told ? FEW : 0);
      expect(await arriving(near, lab.target, family)).toBe(direction === 'egress' ? FEW : 0);
      expect(await arriving(lab.target, far, family)).toBe(FEW);
      expect(await arriving(far, lab.target, family)).toBe(FEW);
      expect(await arriving(lab.target, near, family === 4 ? 6 : 4)).toBe(FEW);
      await daemon.cancel(record);
      expect(await arriving(lab.target, near, family)).toBe(FEW);
      expect(await arriving(near, lab.target, family)).toBe(FEW);
    });

    test.each([
      ['UDP port 9000', { ports: '9000', protocol: 'udp' }, { udp9000: 0, udp9001: FEW, tcp9000: true }],
      ['TCP', { protocol: 'tcp' }, { udp9000: FEW, udp9001: FEW, tcp9000: false }],
      ['port 9000', { ports: '9000' }, { udp9000: 0, udp9001: FEW, tcp9000: false }],
      ['ports 9001 to 9003', { ports: '9001-9003' }, { udp9000: FEW, udp9001: 0, tcp9000: true }],
      ['ICMP', { protocol: 'icmp' }, { udp9000: FEW, udp9001: FEW, tcp9000: true }],
    ])('of %s hits that and nothing else', async (_name, parameters, expected) => {
      await daemon.exec('partition', parameters);
      expect({
        udp9000: await arriving(lab.target, lab.peer(0)),
        udp9001: await arriving(lab.target, lab.peer(0), 4, 9001),
        tcp9000: await connects(expected.tcp9000, lab.target, lab.peer(0)),
      }).toEqual(expected);
    });

    test.each([4, 6] as const)(
      'leaves the probes of the pod alone over IPv%d, and nothing beside them',
      async (family) => {
        const node = lab.peer(1);
        const probes = { nodeAddresses: [node.ipv4, node.ipv6], ports: [8080] };
        const expectConnects = async (from: LabNamespace, port: number, expected: boolean): Promise<void> =>
          expect(await connects(expected, from, lab.target, { family, port })).toBe(expected);
        const sparing = await daemon.exec('partition', {}, { probes });
        await expectConnects(node, 8080, true);
        await expectConnects(node, 8081, false);
        await expectConnects(lab.peer(0), 8080, false);
        expect(await arriving(node, lab.target, family, 8080)).toBe(0);
        await daemon.cancel(sparing);
        await daemon.exec('partition', { spareProbes: 'false' }, { probes });
        await expectConnects(node, 8080, false);
      },
    );

    test('stops a connection that is open, which goes on afterwards', async () => {
      const flow = await openFlow(lab.target, lab.peer(0));
      expect(await flow?.exchange(2000)).toBeDefined();
      const record = await daemon.exec('partition', { peers: lab.peer(0).ipv4 });
      expect(await flow?.exchange(700)).toBeUndefined();
      await daemon.cancel(record);
      expect(await flow?.exchange(10_000)).toBeDefined();
      flow?.close();
    });
  });
}
