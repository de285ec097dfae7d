/** Delays and jitter on a real kernel, each way, and three faults on top of each other, cancelled in every order. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  addressOf,
  createLab,
  distribution,
  sendOneWay,
  tcpConnectTime,
  type Family,
  type Lab,
  type LabNamespace,
  type OneWay,
  type Sending,
} from '@chaosplane/testkit';
import { differences, fingerprint } from '@chaosplane/testbed';
import { expectTimes } from './late.ts';
import { emulated, engineFor, shapersOfKernel, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

let lab: Lab;
let daemon: LabDaemon;
/** Milliseconds by which this machine may be late at this moment; 2 on one that has nothing else to do. */
let tolerance = 2;
/** By which part of itself a delay may be late: the queue backend lives in a process, netem in the kernel. */
let latePart = 0.1;

beforeEach(async () => {
  lab = createLab({ peers: 2 });
  const { times } = await paced(lab.target, lab.peer(0));
  tolerance = Math.max(2, 10 * distribution(times).median);
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

/** Packets one by one. */
function paced(from: LabNamespace, to: LabNamespace, sending: Partial<Sending> = {}): Promise<OneWay> {
  return sendOneWay(from, to, { count: 30, burst: 1, everyMs: 3, withinMs: 3000, ...sending });
}

/** How often a busy machine is measured at the most. */
const TRIES = 6;

/** Never early, and, at the best of some tries, late by no more than that part and what the machine itself needs. */
async function expectDelay(send: () => Promise<OneWay>, ms: number): Promise<void> {
  const latest = ms === 0 ? tolerance + 5 : (1 + latePart) * ms + 1 + tolerance;
  await expectTimes(async () => (await send()).times, { earliest: ms - 1, latest, tries: TRIES });
}

const expectPrompt = (send: () => Promise<OneWay>): Promise<void> => expectDelay(send, 0);

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;
/** Packets for each measurement of these: an emulated machine takes as long for one as another one for twenty. */
const [few, many] = emulated ? [8, 60] : [30, 200];
/** Of a loss of 40 %, in points: 4.6 standard deviations. */
const byChance = 4.6 * Math.sqrt((40 * 60) / many);

const delays = [
  [5, 'egress', 4],
  [50, 'ingress', 6],
  [100, 'ingress', 4],
  [500, 'egress', 6],
  [500, 'ingress', 4],
] as const;

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    beforeEach(async () => {
      latePart = engine === 'netem' ? 0.02 : 0.1;
      daemon = await startLabDaemon(lab, { engine });
    });

    test.each(emulated ? [delays[0], delays[2], delays[3]] : delays)(
      'of %d ms, %s, over IPv%d, is felt there and nowhere else',
      async (ms, direction, family) => {
        const before = await fingerprint(lab.target.path);
        const peers = addressOf(lab.peer(0), family);
        const record = await daemon.exec('delay', { latency: `${ms}ms`, direction, peers });
        expect(record.work.engine).toBe(engineFor(engine, direction));
        const [out, over] = [direction === 'egress', family === 4 ? 6 : 4] as const;
        const way =
          (peer: number, version: Family = family) =>
          () =>
            out
              ? paced(lab.target, lab.peer(peer), { family: version })
              : paced(lab.peer(peer), lab.target, { family: version });
        await expectDelay(way(0), ms);
        const { evidence } = await daemon.observe(record);
        expect(evidence).toMatchObject({ engine: engineFor(engine, direction), verdict: 'verified' });
        expect(evidence?.counters['packets_delayed']).toBe(evidence?.counters['packets_matched']);
        await expectPrompt(way(1));
        await expectPrompt(way(0, over));
        await expectPrompt(() =>
          out ? paced(lab.peer(0), lab.target, { family }) : paced(lab.target, lab.peer(0), { family }),
        );
        await daemon.cancel(record);
        await expectPrompt(way(0));
        expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
      },
    );

    test('leaves the probes of the pod alone, each way, and nothing beside them', async () => {
      const node = lab.peer(1);
      const probes = { nodeAddresses: [node.ipv4, node.ipv6], ports: [8080] };
      await daemon.exec('delay', { latency: '400ms', direction: 'both' }, { probes });
      // One round trip: the delay twice.
      const connects = (from: LabNamespace, port: number) => tcpConnectTime(from, lab.target, { port, withinMs: 5000 });
      expect(await connects(node, 8080)).toBeLessThan(400);
      expect(await connects(node, 8081)).toBeGreaterThanOrEqual(798);
      expect(await connects(lab.peer(0), 8080)).toBeGreaterThanOrEqual(798);
    });

    test('in both directions is felt in each', async () => {
      await daemon.exec('delay', { latency: '80ms', direction: 'both' });
      await expectDelay(() => paced(lab.target, lab.peer(0)), 80);
      await expectDelay(() => paced(lab.peer(0), lab.target), 80);
    });

    test('with jitter spreads evenly, as far as was asked for', async () => {
      await daemon.exec('delay', { latency: '100ms', jitter: '60ms' });
      // The deviation of an even spread of ± 60.
      const asked = 60 / Math.sqrt(3);
      // Of 400 packets, 2.2 % is the standard deviation of what is measured: tries cannot make good a spread that is wrong by more
      // than a fifth. A busy machine alone spreads them further.
      let off = Number.POSITIVE_INFINITY;
      for (let tried = 0; tried < TRIES && off > 0.15 * asked; tried++) {
        const { times } = await paced(lab.target, lab.peer(0), { count: 400 });
        const { least, deviation } = distribution(times);
        expect(least).toBeGreaterThanOrEqual(39);
        off = Math.min(off, Math.abs(deviation - asked));
      }
      expect(off).toBeLessThanOrEqual(0.15 * asked);
    });

    test.each(orders)('two of them and a loss, cancelled in the order %d %d %d, are what is left', async (...order) => {
      const [near, far] = [lab.peer(0), lab.peer(1)];
      const before = await fingerprint(lab.target.path);
      const faults = [
        await daemon.exec('delay', { latency: '60ms' }),
        await daemon.exec('delay', { latency: '40ms', peers: near.ipv4 }),
        await daemon.exec('loss', { percent: '40', ports: '9001', protocol: 'udp' }),
      ];
      const left = new Set([0, 1, 2]);
      const expectSum = async (peer: LabNamespace, port: number): Promise<void> => {
        const delayMs = (left.has(0) ? 60 : 0) + (left.has(1) && peer === near ? 40 : 0);
        const lossy = left.has(2) && port === 9001;
        const sent = lossy ? { count: many, burst: 2, withinMs: 400 } : { count: few };
        await expectDelay(async () => {
          const seen = await paced(lab.target, peer, { port, ...sent });
          const lost = (100 * (seen.sent - seen.received)) / seen.sent;
          expect(lost).toBeGreaterThanOrEqual(lossy ? 40 - byChance : 0);
          expect(lost).toBeLessThanOrEqual(lossy ? 40 + byChance : 0);
          return seen;
        }, delayMs);
      };
      const expectSums = async (): Promise<void> => {
        for (const peer of [near, far]) for (const port of [9000, 9001]) await expectSum(peer, port);
      };
      // All three together are the same before each order.
      if (order.join() === '0,1,2') await expectSums();
      for (const index of order) {
        const fault = faults[index];
        if (fault !== undefined) await daemon.cancel(fault);
        left.delete(index);
        await expectSums();
      }
      expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
    });

    test('keeps its counts when the one that it overlapped with is gone', async () => {
      const stays = await daemon.exec('delay', { latency: '20ms' });
      const goes = await daemon.exec('delay', { latency: '20ms', peers: lab.peer(0).ipv4 });
      await paced(lab.target, lab.peer(0));
      await daemon.cancel(goes);
      await paced(lab.target, lab.peer(1));
      const { evidence } = await daemon.observe(stays);
      expect(evidence?.counters).toMatchObject({ packets_matched: 60, packets_delayed: 60 });
    });
  });
}
