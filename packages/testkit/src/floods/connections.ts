/** What floods are made of: many connections at a time, bounded in number and in time, regardless of what becomes of each. */
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Where a flood goes, for how long, and with which files of an identity. */
export interface FloodTarget {
  readonly host: string;
  readonly port: number;
  readonly ms: number;
  /** Connections that are kept open at a time. */
  readonly connections: number;
  /** Addresses of the flooder from which its connections come in turn; absent: the one that its kernel takes. */
  readonly from?: readonly string[];
  /** PEM, where the flood has certificates. */
  readonly certificate?: string;
  readonly key?: string;
}

/** What came of a flood. */
export interface Sum {
  /** Connections that were begun. */
  begun: number;
  /** Connections that were there: those of HTTP/2 and of insiders behind their handshake, others as far as TCP knows. */
  connected: number;
  /** Bytes that were answered. */
  answered: number;
}

/** Runs one until its time is over. */
export type Flood = (target: FloodTarget, sum: Sum) => Promise<void>;

/** No more connections than this are begun in a second: the load of a stranger, and not what this machine can do. */
const MOST_PER_SECOND = 3000;

/**
 * Keeps so many connections open until the time is over: one that ends is begun again. Then destroys them all.
 * `open` begins one and resolves nothing: it returns what destroys it.
 */
export async function keepOpen(target: FloodTarget, sum: Sum, open: (over: () => void) => () => void): Promise<void> {
  const live = new Set<() => void>();
  const end = performance.now() + target.ms;
  const began = performance.now();
  while (performance.now() < end) {
    const allowed = ((performance.now() - began) * MOST_PER_SECOND) / 1000;
    while (live.size < target.connections && sum.begun < allowed) {
      sum.begun += 1;
      let over = false;
      const destroy: () => void = open(() => {
        over = true;
        live.delete(destroy);
      });
      // It may be over before it is known here.
      queueMicrotask(() => {
        if (!over) live.add(destroy);
      });
      if (sum.begun % 64 === 0) break;
    }
    await pause(5);
  }
  for (const destroy of live) destroy();
}

/** Where the next connection goes, and whence it comes. */
export function placesOf({ host, port, from = [] }: FloodTarget, sum: Sum) {
  const localAddress = from[sum.begun % from.length];
  return { host, port, ...(localAddress === undefined ? {} : { localAddress }) };
}

/** Counts what a socket says. `there`: the event by which it is there. */
export function count(
  socket: Socket,
  sum: Sum,
  over: () => void,
  there: 'connect' | 'secureConnect' = 'connect',
): void {
  socket.once(there, () => (sum.connected += 1));
  socket.on('data', (data: Buffer) => (sum.answered += data.length));
  socket.on('error', () => undefined);
  socket.once('close', over);
}
