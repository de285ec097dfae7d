/** What an application feels of a pair of pods: a bulk stream while something is wrong, and a cut that heals. */
import { setTimeout as pause } from 'node:timers/promises';
import { attemptConnection, bulk, openDelivery, sendOneWay } from '@chaosplane/testkit';
import type { Column, Fault } from './columns.ts';
import type { Pair } from './pairs.ts';

/** What was felt, by what felt it. */
export type Felt = ReadonlyMap<string, Reading>;

/** One figure, with the word of what came of it where that can differ: `ETIMEDOUT`. */
export interface Reading {
  readonly value: number;
  readonly unit: 'Mbit/s' | '% sent again' | 's' | 'errors';
  readonly outcome?: string;
}

/** How long a stream runs; its first quarter, in which it finds its speed, does not count. */
const STREAM_MS = 4000;
const DATAGRAMS = 20;
const PORTS = { small: 9100, large: 9200, udp: 9300 } as const;

/** How many streams run side by side: how long a single one stands still under a heavy loss is a matter of luck. */
export const streamsFor = (fault: Fault): number => (fault.kind === 'loss' && fault.percent > 5 ? 8 : 1);

/** Streams while the fault is in place. */
export async function feelStream({ pair, apply }: Column, fault: Fault): Promise<Felt> {
  const undo = await apply(fault);
  try {
    const { megabits, segments, retransmitted } = await bulk(pair.sender, pair.receiver, {
      forMs: STREAM_MS,
      streams: streamsFor(fault),
    });
    return new Map([
      ['goodput, Mbit/s', { value: megabits, unit: 'Mbit/s' }],
      ['sent again', { value: (100 * retransmitted) / Math.max(segments, 1), unit: '% sent again' }],
    ]);
  } finally {
    await undo();
  }
}

/** Cuts a pair for a while: everything starts right after the cut, and waits for what comes of it. */
export async function feelCut({ pair, apply }: Column, cutMs: number): Promise<Felt> {
  const small = await openDelivery(pair.sender, pair.receiver, { port: PORTS.small });
  const large = await openDelivery(pair.sender, pair.receiver, { port: PORTS.large });
  try {
    // TCP waits for an answer by the round trips that it has seen: the first one of a busy machine says little.
    for (let turn = 0; turn < 30; turn++) await Promise.all([small.deliver(1), large.deliver(1)]);
    const undo = await apply({ kind: 'partition' });
    const felt = Promise.all([
      attemptConnection(pair.sender, pair.receiver, { port: PORTS.small }),
      small.deliver(10),
      large.deliver(1 << 20),
      datagrams(pair),
    ]);
    await pause(cutMs).finally(undo);
    const [connect, smallWrite, megabyte, errors] = await felt;
    return new Map([
      ['connect()', { value: connect.ms / 1000, unit: 's', outcome: connect.outcome }],
      ['a write of 10 bytes', arrival(smallWrite, cutMs)],
      ['1 MB in flight', arrival(megabyte, cutMs)],
      [`${DATAGRAMS} datagrams`, { value: errors, unit: 'errors', outcome: errors === 0 ? 'no error' : 'refused' }],
    ]);
  } finally {
    for (const delivery of [small, large]) delivery.close();
  }
}

function arrival(result: number | string, cutMs: number): Reading {
  if (typeof result === 'string') return { value: cutMs / 1000, unit: 's', outcome: result };
  return { value: result / 1000, unit: 's', outcome: 'arrived' };
}

async function datagrams({ sender, receiver }: Pair): Promise<number> {
  const { sendErrors } = await sendOneWay(sender, receiver, { count: DATAGRAMS, port: PORTS.udp });
  return sendErrors;
}
