/** What becomes of frames between a TAP device and a packet socket, with both made of memory. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SystemError } from '../kernel/libc.ts';
import { LARGEST_FRAME_BYTES } from './frame-store.ts';
import { MOST_HELD_BYTES, serveTap, type Held, type ServedTap, type TapEnds } from './served-tap.ts';

const policy = {
  name: 'cptap0-7',
  device: 'eth0',
  returnPriority: 1,
  bit: 0x10000,
  latencyMs: 100,
  jitterMs: 0,
  correlationPercent: 0,
  corrupts: false,
};

interface Bench {
  readonly tap: ServedTap;
  readonly held: Held;
  readonly sent: string[];
  /** Frames that come by the device, one after the other. */
  arrive(...frames: readonly Buffer[]): void;
  at(now: number): void;
}

/** `random` is that of the jitter; `refusal` what the socket says to each frame. */
function bench(options: { jitterMs?: number; random?: () => number; refusal?: () => string | undefined } = {}): Bench {
  const { jitterMs = 0, random = () => 0.5, refusal = () => undefined } = options;
  const coming: Buffer[] = [];
  const sent: string[] = [];
  const held: Held = { bytes: 0 };
  let now = 0;
  const ends: TapEnds = {
    fd: 3,
    read: (into) => coming.shift()?.copy(into),
    send: (frame) => {
      const error = refusal();
      if (error === undefined) sent.push(frame.toString('latin1'));
      return error;
    },
  };
  const tap = serveTap(ends, { ...policy, jitterMs }, held, { monotonic: () => now, random });
  return {
    tap,
    held,
    sent,
    arrive: (...frames) => {
      coming.push(...frames);
      while (coming.length > 0) tap.takeIn();
    },
    at: (time) => {
      now = time;
      tap.letGo(now);
    },
  };
}

describe('frames of a TAP device', () => {
  test('leave as they came, however many wait, in which order they go, and where the next ones are written', () => {
    const frame = fc.record({
      after: fc.integer({ min: 0, max: 60 }),
      bytes: fc.integer({ min: 14, max: LARGEST_FRAME_BYTES }),
      filling: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 60 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (frames, chance) => {
          const { tap, held, sent, arrive, at } = bench({ jitterMs: 90, random: () => Number(chance.next().value) });
          const sequence = frames.map(({ bytes, filling }) => Buffer.alloc(bytes, filling));
          let now = 0;
          frames.forEach(({ after }, index) => {
            at((now += after));
            arrive(sequence[index] ?? Buffer.alloc(0));
          });
          at(now + 200);
          expect(sent.toSorted()).toEqual(sequence.map((each) => each.toString('latin1')).toSorted());
          expect([tap.counts.held, tap.counts.heldBytes, held.bytes]).toEqual([0, 0, 0]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('leave after their time, in their order', () => {
    const { tap, sent, arrive, at } = bench();
    arrive(Buffer.from('first'), Buffer.from('second'));
    at(99);
    expect([sent, tap.nextDue]).toEqual([[], 100]);
    at(100);
    expect(sent).toEqual(['first', 'second']);
  });

  test('are lost when too much waits, and are taken again when it has left', () => {
    const { tap, held, sent, arrive, at } = bench();
    const large = Buffer.alloc(1 << 16);
    arrive(...Array.from({ length: 1100 }, () => large));
    expect(held.bytes).toBeLessThanOrEqual(MOST_HELD_BYTES);
    expect(tap.counts.lost).toBe(1100 - tap.counts.held);
    expect(tap.counts.lost).toBeGreaterThan(0);
    at(100);
    arrive(large);
    expect([sent.length, tap.counts.held, tap.counts.refused]).toEqual([1100 - tap.counts.lost, 1, 0]);
    at(200);
  });

  test.each([
    ['find a full queue behind the fault', 'ENOBUFS', { lost: 2, refused: 0 }],
    ['find no room in the socket', 'EAGAIN', { lost: 2, refused: 0 }],
    ['are not taken by the device', 'ENETDOWN', { lost: 0, refused: 2 }],
    ['are too large for it', 'EMSGSIZE', { lost: 0, refused: 2 }],
  ])('that %s are counted as such', (_what, error, counted) => {
    const { tap, held, arrive, at } = bench({ refusal: () => error });
    arrive(Buffer.from('first'), Buffer.from('second'));
    at(100);
    expect(tap.counts).toMatchObject({ packets: 2, held: 0, ...counted });
    expect(held.bytes).toBe(0);
  });

  test('stay when their device is gone, and leave in time', () => {
    const sent: Buffer[] = [];
    let gone = false;
    const ends: TapEnds = {
      fd: 3,
      read: () => {
        if (gone) throw new SystemError('read', 77);
        gone = true;
        return 14;
      },
      send: (frame) => void sent.push(frame),
    };
    const tap = serveTap(ends, policy, { bytes: 0 }, { monotonic: () => 0, random: () => 0 });
    tap.takeIn();
    expect([tap.alive, tap.counts.held]).toEqual([false, 1]);
    tap.letGo(100);
    expect(sent.length).toBe(1);
  });
});
