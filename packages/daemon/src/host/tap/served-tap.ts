/** One TAP device that is being served: frames that wait, and leave by a packet socket when they are due. */
import { SystemError } from '../kernel/libc.ts';
import type { TapCounts, TapPolicy } from '../../contract/host.ts';
import { createEffectSource } from '../queue/effects.ts';
import type { Chance } from '../queue/queue-socket.ts';
import { WaitingRoom } from '../queue/waiting.ts';
import { FrameStore, type Frame } from './frame-store.ts';
import { corruptedFrames } from './frames.ts';

/** How many bytes may wait in one namespace, in all of its TAP devices; further frames are lost, as in a full queue. */
export const MOST_HELD_BYTES = 64 << 20;

/** And on the whole node: the daemon must not die of what it holds. */
const MOST_HELD_BYTES_OF_NODE = 256 << 20;

/** What a frame takes beside its bytes: some 300 were measured of frames of 70. */
const FRAME_OVERHEAD_BYTES = 400;

/** What waits, of a namespace or of the node, with what it takes beside. */
export interface Held {
  bytes: number;
}

const ofNode: Held = { bytes: 0 };

/** A TAP device that is served. */
export interface ServedTap {
  /** Readable when frames have come. */
  readonly fd: number;
  /** False: its device is gone, and nothing comes by it any more. */
  readonly alive: boolean;
  /** Milliseconds of the monotonic clock; undefined when nothing waits. */
  readonly nextDue: number | undefined;
  readonly counts: TapCounts;
  /** Frames that wait keep their time. */
  change(policy: TapPolicy): void;
  /** Takes in the frames that have come, at most so many that others have their turn. */
  takeIn(): void;
  /** Lets those go that are due. */
  letGo(now: number): void;
  /** Lets all go. The caller closes the descriptors. */
  end(): void;
}

const FRAMES_A_TURN = 64;

/** What a queue behind the fault, a bandwidth for example, says when it is full. Any other error is our own failure. */
const NO_ROOM: ReadonlySet<string> = new Set(['ENOBUFS', 'EAGAIN']);

/** The two ends of what is served: the TAP device by which frames come, and the packet socket by which they leave. */
export interface TapEnds {
  /** Of the TAP device. */
  readonly fd: number;
  /** The next frame's length in bytes; undefined when none is there. @throws SystemError when the device is gone. */
  read(into: Buffer): number | undefined;
  /** Undefined when the kernel took the frame, else its error. */
  send(frame: Buffer): string | undefined;
}

/** Serves a TAP device. */
export function serveTap(ends: TapEnds, policy: TapPolicy, held: Held, chance: Chance): ServedTap {
  const waiting = new WaitingRoom<Frame>();
  const store = new FrameStore();
  const effects = createEffectSource({ mask: policy.bit, layers: [policy] }, chance.random);
  const { bit } = policy;
  let [packets, bytes, heldBytes, lost, refused] = [0, 0, 0, 0, 0];
  let alive = true;
  const account = (change: number): void => {
    const taken = change + Math.sign(change) * FRAME_OVERHEAD_BYTES;
    held.bytes += taken;
    ofNode.bytes += taken;
    heldBytes += change;
  };
  const keepWaiting = (room: Buffer, length: number): void => {
    packets += 1;
    bytes += length;
    const more = length + FRAME_OVERHEAD_BYTES;
    if (held.bytes + more > MOST_HELD_BYTES || ofNode.bytes + more > MOST_HELD_BYTES_OF_NODE) {
      lost += 1;
      return;
    }
    const { waitMs, corrupts } = effects.draw(bit);
    const due = chance.monotonic() + waitMs;
    const frames = corrupts
      ? corruptedFrames(room.subarray(0, length), chance.random).map((wrong) => ({ bytes: wrong }))
      : [store.keep(room, length)];
    for (const each of frames) {
      account(each.bytes.length);
      waiting.add(due, each);
    }
  };
  const letGo = (now: number): void => {
    for (let frame = waiting.takeDue(now); frame !== undefined; frame = waiting.takeDue(now)) {
      account(-frame.bytes.length);
      const error = ends.send(frame.bytes);
      if (error !== undefined) {
        if (NO_ROOM.has(error)) lost += 1;
        else refused += 1;
      }
      store.free(frame);
    }
  };
  const takeIn = (limit: number): void => {
    try {
      for (let turn = 0; alive && turn < limit; turn++) {
        const room = store.room();
        const length = ends.read(room);
        if (length === undefined) break;
        keepWaiting(room, length);
      }
      store.trim();
    } catch (error) {
      // EBADFD: another program has removed the device. The other devices go on.
      if (!(error instanceof SystemError)) throw error;
      alive = false;
    }
  };
  return {
    fd: ends.fd,
    get alive() {
      return alive;
    },
    get nextDue() {
      return waiting.nextDue;
    },
    get counts() {
      return { packets, bytes, held: waiting.size, heldBytes, lost, refused };
    },
    change: (next) => {
      effects.change({ mask: next.bit, layers: [next] });
    },
    takeIn: () => {
      takeIn(FRAMES_A_TURN);
    },
    letGo,
    end: () => {
      takeIn(Number.POSITIVE_INFINITY);
      letGo(Number.POSITIVE_INFINITY);
    },
  };
}
