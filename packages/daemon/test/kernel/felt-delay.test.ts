/**
 * What a bulk TCP stream feels of a delay: as of netem's at another sender, or, where the kernel has no netem, as of the same at the
 * receiver, where it belongs to no sender any more.
 */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  bulk,
  createLab,
  ip,
  openDelivery,
  sendOneWay,
  type Bulk,
  type Lab,
  type LabNamespace,
} from '@chaosplane/testkit';
import {
  emulated,
  kernelCapabilities,
  shapersOfKernel,
  startLabDaemon,
  type LabDaemon,
} from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(120_000);

let lab: Lab;
let daemon: LabDaemon;

beforeEach(() => {
  lab = createLab({ peers: 2 });
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

/** Some of each, in turns, so that a busy machine hits both. */
async function inTurns<T>(count: number, first: () => Promise<T>, second: () => Promise<T>): Promise<[T[], T[]]> {
  const [ones, others]: [T[], T[]] = [[], []];
  for (let turn = 0; turn < count; turn++) {
    ones.push(await first());
    others.push(await second());
  }
  return [ones, others];
}

/** What the machine can do: other work takes time from single rounds. */
const fastest = (bulks: readonly Bulk[]): number => Math.max(...bulks.map(({ megabits }) => megabits));

const netem = (await kernelCapabilities())('sch-netem').available;

for (const { engine, skipped } of await shapersOfKernel({ besideNetem: true })) {
  if (engine === 'queue') continue;
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay of what the pod sends, by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    /** The same delay from the other peer to the target. */
    const delayBothWays = async (latency: string): Promise<void> => {
      daemon = await startLabDaemon(lab, { engine });
      await daemon.exec('delay', { latency, peers: lab.peer(0).ipv4 });
      if (netem) {
        const qdisc = ['dev', 'eth0', 'root', 'netem', 'delay', latency, 'limit', '10000'];
        ip('netns', 'exec', lab.peer(1).name, 'tc', 'qdisc', 'add', ...qdisc);
      } else await daemon.exec('delay', { latency, peers: lab.peer(1).ipv4, direction: 'ingress' });
    };

    test.each([20, 100])('of %d ms lets a stream be as fast as the same delay elsewhere does', async (latencyMs) => {
      await delayBothWays(`${latencyMs}ms`);
      const stream = (from: LabNamespace, to: LabNamespace) => (): Promise<Bulk> => bulk(from, to, { forMs: 1500 });
      const [felt, real] = await inTurns(3, stream(lab.target, lab.peer(0)), stream(lab.peer(1), lab.target));
      expect(fastest(felt) / fastest(real)).toBeGreaterThan(0.6);
    });

    test('lets an answer of 10 kB to 1 MB take what latency and window allow', async () => {
      await delayBothWays('100ms');
      const took = async (from: LabNamespace, to: LabNamespace, bytes: number, port: number): Promise<number> => {
        const delivery = await openDelivery(from, to, { port });
        const ms = Number(await delivery.deliver(bytes));
        delivery.close();
        return ms;
      };
      for (const [turn, bytes] of [10_000, 100_000, 1_000_000].entries()) {
        const port = 9300 + 10 * turn;
        const felt = await took(lab.target, lab.peer(0), bytes, port);
        const real = await took(lab.peer(1), lab.target, bytes, port);
        expect(felt / real).toBeLessThan(1.3);
      }
    });

    test('is exact', async () => {
      daemon = await startLabDaemon(lab, { engine });
      const sending = { count: 80, burst: 1, everyMs: 3, withinMs: 2000 };
      // What a busy machine adds is in the upper part.
      const early = async (): Promise<number> =>
        (await sendOneWay(lab.target, lab.peer(0), sending)).times[4] ?? Number.NaN;
      const usual = await early();
      await daemon.exec('delay', { latency: '100ms' });
      const added = (await early()) - usual;
      expect(added).toBeGreaterThan(99.4);
      expect(added).toBeLessThan(emulated ? 110 : 100.6);
    });
  });
}
