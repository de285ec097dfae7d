/** One queue of one namespace that is being served: its socket, the packets that wait, and their verdicts. */
import { closeSync } from 'node:fs';
import { receive, send, setSocketOption } from '../kernel/ffi.ts';
import { SystemError } from '../kernel/libc.ts';
import type { QueuePolicy } from '../../contract/host.ts';
import { messagesIn, type Received } from '../kernel/netlink.ts';
import { openNfnetlink, request } from '../kernel/nfnetlink.ts';
import { corrupted } from './corrupt.ts';
import { createEffectSource } from './effects.ts';
import {
  acceptMessage,
  bindMessages,
  copyMessages,
  LONGEST_QUEUE,
  packetIn,
  unbindMessage,
  type QueuedPacket,
} from './packet.ts';
import { WaitingRoom } from './waiting.ts';

/** A queue that is served. */
export interface ServedQueue {
  readonly queue: number;
  /** Readable when packets have come. */
  readonly fd: number;
  /** Milliseconds of the monotonic clock; undefined when nothing waits. */
  readonly nextDue: number | undefined;
  readonly handled: ReadonlyMap<number, number>;
  change(policy: QueuePolicy): void;
  /** Takes in the packets that have come, at most so many that others have their turn. */
  takeIn(): void;
  /** Lets those go that are due. */
  letGo(now: number): void;
  /** Lets all go, and stops serving. */
  close(): void;
}

/** Where a served queue gets time and chance from. */
export interface Chance {
  /** Milliseconds that never jump. */
  readonly monotonic: () => number;
  readonly random: () => number;
}

const [SOL_SOCKET, SO_RCVBUFFORCE, SOL_NETLINK, NO_ENOBUFS] = [1, 33, 270, 5];
const RECEIVE_BUFFER_BYTES = 16 << 20;
const PACKETS_A_TURN = 256;
const VERDICTS_A_SEND = 64;
const VERDICT_BYTES_A_SEND = 256 << 10;

/** A whole IP packet, and what netlink puts around it. */
const datagram = Buffer.alloc((1 << 16) + 4096);

/**
 * Starts to serve.
 * @throws SystemError EPERM or EBUSY when another process serves that queue.
 */
export function serveQueue(
  enter: <T>(work: () => T) => T,
  queue: number,
  policy: QueuePolicy,
  chance: Chance,
): ServedQueue {
  const waiting = new WaitingRoom<QueuedPacket>();
  const effects = createEffectSource(policy, chance.random);
  const wantsPayloads = (wanted: QueuePolicy): boolean => wanted.layers.some(({ corrupts }) => corrupts);
  let payloads = wantsPayloads(policy);
  let mask = policy.mask;
  const keepWaiting = (received: Received): void => {
    const packet = packetIn(received);
    if (packet === undefined) return;
    const { waitMs, corrupts } = effects.draw(packet.mark);
    const changed =
      corrupts && packet.payload !== undefined ? { payload: corrupted(packet.payload, chance.random) } : {};
    waiting.add(chance.monotonic() + waitMs, { id: packet.id, mark: (packet.mark & ~mask) >>> 0, ...changed });
  };
  const fd = openNfnetlink({ within: enter });
  try {
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES);
    // Without it, one overflow of the buffer makes recv fail although later packets are there.
    setSocketOption(fd, SOL_NETLINK, NO_ENOBUFS, 1);
    // Packets may come before the last answer does.
    request(fd, `bind to queue ${queue}`, bindMessages(queue, payloads), keepWaiting);
  } catch (error) {
    closeSync(fd);
    throw error;
  }

  const takeIn = (limit = PACKETS_A_TURN): void => {
    for (let turn = 0; turn < limit; turn++) {
      const length = receive(fd, datagram);
      if (length === undefined) return;
      for (const received of messagesIn(datagram.subarray(0, length))) keepWaiting(received);
    }
  };
  const letGo = (now: number): void => {
    let verdicts: Buffer[] = [];
    let bytes = 0;
    for (let packet = waiting.takeDue(now); packet !== undefined; packet = waiting.takeDue(now)) {
      const verdict = acceptMessage(queue, packet);
      verdicts.push(verdict);
      bytes += verdict.length;
      if (verdicts.length < VERDICTS_A_SEND && bytes < VERDICT_BYTES_A_SEND) continue;
      send(fd, Buffer.concat(verdicts));
      [verdicts, bytes] = [[], 0];
    }
    if (verdicts.length > 0) send(fd, Buffer.concat(verdicts));
  };
  return {
    queue,
    fd,
    get nextDue() {
      return waiting.nextDue;
    },
    handled: effects.handled,
    change: (next) => {
      mask = next.mask;
      effects.change(next);
      if (wantsPayloads(next) === payloads) return;
      payloads = wantsPayloads(next);
      request(fd, `change queue ${queue}`, copyMessages(queue, payloads), keepWaiting);
    },
    takeIn: () => {
      takeIn();
    },
    letGo,
    close: () => {
      try {
        takeIn(LONGEST_QUEUE);
        letGo(Number.POSITIVE_INFINITY);
        send(fd, unbindMessage(queue));
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
      } finally {
        closeSync(fd);
      }
    },
  };
}
