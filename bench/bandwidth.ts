/** What a bandwidth does to TCP, beside a link of that rate with so long a queue: rate, segments sent again, the wait of a small packet. */
import { setTimeout as pause } from 'node:timers/promises';
import { bulk, createLab, sendOneWay, type Lab, type LabNamespace } from '@chaosplane/testkit';
import { startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';
import { kernelPackages } from '../tools/test/layers.ts';
import { bringPackages } from './needs.ts';

/** Kilobits a second, with the default `latency` in milliseconds. */
const LIMITS = [
  [64, 26_250],
  [1000, 1680],
  [10_000, 168],
  [100_000, 50],
  [1_000_000, 50],
] as const;
const STREAM_MS = 6000;
const SLOW_STREAM_MS = 16_000;
const PROBES = 60;

const CONGESTIONS = ['reno', 'bbr'] as const;
type Congestion = (typeof CONGESTIONS)[number];

interface Felt {
  readonly megabits: number;
  readonly again: number;
  readonly waitMs: number;
}

/** Streams one way, with a small packet 20 times a second beside. */
async function feel(from: LabNamespace, to: LabNamespace, congestion: Congestion, forMs: number): Promise<Felt> {
  const probing = pause(forMs / 3).then(() =>
    sendOneWay(from, to, { count: PROBES, burst: 1, everyMs: 50, port: 9100, withinMs: 500 }),
  );
  const { megabits, retransmitted, segments } = await bulk(from, to, { congestion, forMs });
  const { times } = await probing;
  return { megabits, again: (100 * retransmitted) / Math.max(1, segments), waitMs: times.at(-1) ?? Number.NaN };
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const lengthOf = (kbit: number): number => (kbit < 1000 ? SLOW_STREAM_MS : STREAM_MS);
const WAYS = ['pod sends', 'pod receives', 'link'] as const;

const medianOf = (felt: readonly Felt[], key: keyof Felt): number =>
  felt.map((one) => one[key]).toSorted((a, b) => a - b)[felt.length >> 1] ?? Number.NaN;

/** Prints a line for each limit, congestion control, and way, the link last: medians of the rounds. */
export async function benchBandwidth(rounds: number): Promise<void> {
  await bringPackages(kernelPackages, 'the bench', say);
  const streamsMs = LIMITS.reduce((sum, [kbit]) => sum + lengthOf(kbit), 0) * CONGESTIONS.length * WAYS.length * rounds;
  say(`streams for ${Math.ceil(streamsMs / 60_000)} minutes in all; the figures of a limit follow when it is done`);
  for (const [kbit, latencyMs] of LIMITS) {
    for (const congestion of CONGESTIONS) {
      const found = new Map<string, Felt[]>();
      for (let round = 0; round < rounds; round++) {
        for (const way of WAYS) {
          // Each in a laboratory of its own: nothing waits there from the turn before.
          const lab = createLab();
          const daemon = await startLabDaemon(lab);
          try {
            const felt = await turn({ lab, daemon, way, kbit, latencyMs, congestion });
            found.set(way, [...(found.get(way) ?? []), felt]);
          } finally {
            await daemon.close();
            lab.close();
          }
        }
      }
      for (const [way, felt] of found) {
        const [megabits, again, waitMs] = (['megabits', 'again', 'waitMs'] as const).map((key) => medianOf(felt, key));
        const figures = `${megabits?.toFixed(3)} Mbit/s, ${again?.toFixed(2)} % again, ${Number.isNaN(waitMs) ? 'no small packet arrived in time' : `wait ${waitMs?.toFixed(0)} ms`}`;
        say(`${kbit} kbit/s ${congestion} ${way}: ${figures}`);
      }
    }
  }
}

interface Turn {
  readonly lab: Lab;
  readonly daemon: LabDaemon;
  readonly way: (typeof WAYS)[number];
  readonly kbit: number;
  readonly latencyMs: number;
  readonly congestion: Congestion;
}

async function turn({ lab, daemon, way, kbit, latencyMs, congestion }: Turn): Promise<Felt> {
  const [from, to] = way === 'pod sends' ? [lab.target, lab.peer(0)] : [lab.peer(0), lab.target];
  if (way === 'link') lab.slow(to, { rateBits: kbit * 1000, queueBytes: Math.ceil((kbit * latencyMs) / 8) });
  else await daemon.exec('bandwidth', { rate: `${kbit}kbit`, direction: way === 'pod sends' ? 'egress' : 'ingress' });
  return feel(from, to, congestion, lengthOf(kbit));
}
