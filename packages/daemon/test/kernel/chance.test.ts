/** Faults that hit packets by chance, on a real kernel: the share that is hit is the share that was asked for. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  addressOf,
  bulk,
  createLab,
  openFlow,
  sendOneWay,
  type Family,
  type Lab,
  type LabNamespace,
  type OneWay,
} from '@chaosplane/testkit';
import {
  emulated,
  kernelCapabilities,
  engineFor,
  shapersOfKernel,
  startLabDaemon,
  type LabDaemon,
} from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

const capability = await kernelCapabilities();
const COUNT = 5000;
const ASKED = 30;
/** Points of a percent by which the share may differ. */
const POINTS = 3;
/**
 * Checksums find a wrong bit out, unless netem turns one that none covers: of 1008 bits over IPv6 the 112 of the
 * Ethernet header, which the kernel does not read again on the way through an IFB device, and 36 of the IP header. That leaves
 * 85 %, give or take 4 for some 1500 packets that are hit.
 */
const LEAST_FOUND_OUT = 0.8;

let lab: Lab;
let daemon: LabDaemon;

beforeEach(() => {
  lab = createLab({ peers: 2 });
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

type Direction = 'egress' | 'ingress';

/** Sends packets the way that is meant, between the target and a peer. */
function travel(direction: Direction, family: Family, peer = 0, count = COUNT): Promise<OneWay> {
  const [from, to] = direction === 'egress' ? [lab.target, lab.peer(peer)] : [lab.peer(peer), lab.target];
  return sendOneWay(from, to, { count, family });
}

const other = (direction: Direction): Direction => (direction === 'egress' ? 'ingress' : 'egress');

function expectShare(part: number, whole: number): void {
  expect((100 * part) / whole).toBeGreaterThan(ASKED - POINTS);
  expect((100 * part) / whole).toBeLessThan(ASKED + POINTS);
}

/** What is out of scope is untouched: the other peer, the other direction, the other IP version. */
async function expectOthersUntouched(direction: Direction, family: Family): Promise<void> {
  const others = [
    await travel(direction, family, 1, 100),
    await travel(other(direction), family, 0, 100),
    await travel(direction, family === 4 ? 6 : 4, 0, 100),
  ];
  for (const { received, duplicates } of others)
    expect({ received, duplicates }).toEqual({ received: 100, duplicates: 0 });
}

const ways = [
  [4, 'egress'],
  [6, 'egress'],
  [4, 'ingress'],
  [6, 'ingress'],
] as const;
// What nft does alone is the same there; netem and the way through the IFB device are not.
const someWays = emulated ? [ways[0], ways[3]] : ways;
const alone = emulated ? test.skip : test;

const duplication = (['netdev-egress', 'ifb'] as const).filter((name) => !capability(name).available);
(duplication.length === 0 ? describe : describe.skip)(
  `a duplication${duplication.length === 0 ? '' : ` (this kernel has no ${duplication.join(', ')})`}`,
  () => {
    test.each(emulated ? [ways[3]] : ways)('of 30 %% over IPv%d, %s', async (family, direction) => {
      daemon = await startLabDaemon(lab);
      const peers = addressOf(lab.peer(0), family);
      const record = await daemon.exec('duplicate', { percent: `${ASKED}`, direction, peers });
      expect(record.work.engine).toBe('nft');
      const { received, duplicates, corrupted, sendErrors } = await travel(direction, family);
      expectShare(duplicates, COUNT);
      expect({ received, corrupted, sendErrors }).toEqual({ received: COUNT, corrupted: 0, sendErrors: 0 });
      const { evidence } = await daemon.observe(record);
      expect(evidence).toMatchObject({
        verdict: 'verified',
        counters: { packets_matched: COUNT, packets_duplicated: duplicates },
      });
      await expectOthersUntouched(direction, family);
      await daemon.cancel(record);
      expect(await travel(direction, family, 0, 200)).toMatchObject({ received: 200, duplicates: 0 });
    });

    alone('of all packets gives each once more, and no more than that', async () => {
      daemon = await startLabDaemon(lab);
      await daemon.exec('duplicate', { percent: '100', direction: 'both' });
      expect(await travel('egress', 4, 0, 500)).toMatchObject({ received: 500, duplicates: 500 });
      expect(await travel('ingress', 4, 0, 500)).toMatchObject({ received: 500, duplicates: 500 });
    });

    alone('of two experiments adds up for what the pod sends, and a loss hits originals only', async () => {
      daemon = await startLabDaemon(lab);
      await daemon.exec('duplicate', { percent: '100' });
      await daemon.exec('duplicate', { percent: '100', peers: lab.peer(0).ipv4 });
      expect(await travel('egress', 4, 0, 500)).toMatchObject({ received: 500, duplicates: 1000 });
      await daemon.exec('loss', { percent: '50' });
      const { received, duplicates } = await travel('egress', 4, 1, 1000);
      expect(duplicates).toBe(received);
      expect(received).toBeLessThan(700);
    });
  },
);

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a corruption by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    test.each(someWays)('of 30 %% over IPv%d, %s', async (family, direction) => {
      daemon = await startLabDaemon(lab, { engine });
      const peers = addressOf(lab.peer(0), family);
      const record = await daemon.exec('corrupt', { percent: `${ASKED}`, direction, peers });
      expect(record.work.engine).toBe(engineFor(engine, direction));
      const { received, duplicates, corrupted } = await travel(direction, family);
      const { evidence } = await daemon.observe(record);
      const { packets_corrupted: hit = 0 } = evidence?.counters ?? {};
      expect(evidence).toMatchObject({
        engine: engineFor(engine, direction),
        verdict: 'verified',
        counters: { packets_matched: COUNT },
      });
      expectShare(hit, COUNT);
      expect(COUNT - received).toBeLessThanOrEqual(hit);
      expect(COUNT - received).toBeGreaterThanOrEqual((engine === 'queue' ? 1 : LEAST_FOUND_OUT) * hit);
      expect({ duplicates, corrupted }).toEqual({ duplicates: 0, corrupted: 0 });
      await expectOthersUntouched(direction, family);
      await daemon.cancel(record);
      expect(await travel(direction, family, 0, 200)).toMatchObject({ received: 200 });
    });

    // What netem does with large packets is the kernel's: it flips bits of headers, too, which TCP does not count.
    if (engine === 'netem') return;
    const way = engine === 'queue' ? 'ingress' : 'egress';
    test(`hits ${engine === 'queue' ? 'each segment' : 'one segment'} of a large packet that TCP sends`, async () => {
      daemon = await startLabDaemon(lab, { engine });
      const record = await daemon.exec('corrupt', { percent: '5', direction: way, peers: lab.peer(0).ipv4 });
      const [from, to] = way === 'egress' ? [lab.target, lab.peer(0)] : [lab.peer(0), lab.target];
      await bulk(from, to, { forMs: 1000, streams: 4 });
      const { evidence } = await daemon.observe(record);
      const { packets_corrupted: hit = 0, packets_steered: chosen = 0 } = evidence?.counters ?? {};
      const damaged = damagedSegments(to);
      expect(damaged).toBeLessThanOrEqual(hit);
      expect(damaged).toBeGreaterThanOrEqual(LEAST_FOUND_OUT * hit);
      if (engine === 'queue') expect(damaged).toBeGreaterThan(1.5 * chosen);
      else expect(damaged).toBeLessThanOrEqual(chosen);
      expect(record.notes.join().includes('the queue corrupts each segment')).toBe(engine === 'queue');
    });
  });
}

/** Segments whose checksum was wrong, as TCP there counts them; see SNMP's TCP-MIB (RFC 4022) and Linux's InCsumErrors. */
function damagedSegments(at: LabNamespace): number {
  const table = at.netns.within(() => readFileSync('/proc/thread-self/net/snmp', 'utf8'));
  const [names = [], values = []] = table
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('InCsumErrors')]);
}

describe('a loss with correlation', () => {
  test.each(emulated ? (['ingress'] as const) : (['egress', 'ingress'] as const))(
    'has the share that was asked for, in bursts, %s',
    async (direction) => {
      daemon = await startLabDaemon(lab);
      const record = await daemon.exec('loss', { percent: `${ASKED}`, correlation: '50', direction });
      expect(record.work.engine).toBe('nft');
      const { missing, received, sendErrors } = await travel(direction, 4);
      expectShare(missing.length, COUNT);
      // A lossy link tells the sender nothing; the inet hooks of older kernels do.
      if (capability('netdev-egress').available) expect(sendErrors).toBe(0);
      const lost = new Set(missing);
      const again = missing.filter((sequence) => lost.has(sequence + 1)).length;
      // Of packets after a lost one, 30 % are lost by chance alone, and 65 % with a correlation of one half.
      expect(again / missing.length).toBeGreaterThan(0.58);
      expect(again / missing.length).toBeLessThan(0.72);
      const { evidence } = await daemon.observe(record);
      expect(evidence?.counters).toMatchObject({ packets_matched: COUNT, packets_dropped: COUNT - received });
    },
  );
});

alone('a loss of everything stops a connection that is open, which goes on afterwards', async () => {
  daemon = await startLabDaemon(lab);
  const flow = await openFlow(lab.target, lab.peer(0));
  expect(await flow?.exchange(2000)).toBeDefined();
  const record = await daemon.exec('loss', { percent: '100', correlation: '30', direction: 'ingress' });
  expect(await flow?.exchange(700)).toBeUndefined();
  await daemon.cancel(record);
  expect(await flow?.exchange(10_000)).toBeDefined();
  flow?.close();
});
