/** TCP as an application feels it: what became of a connection attempt, and when bytes arrived. */
import { closeSync } from 'node:fs';
import { createServer, Socket, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { socketOption } from '@chaosplane/daemon/ffi';
import type { NetnsHandle } from '@chaosplane/daemon/netns';
import { tcpConnect, tcpListener } from '@chaosplane/daemon/sockets';
import { addressOf, type Family, type LabNamespace } from './lab.ts';

/** How a connection attempt ended. */
export interface Attempt {
  /** `connected`, or the error: `ETIMEDOUT`, `ECONNREFUSED`, `EHOSTUNREACH`. */
  readonly outcome: string;
  readonly ms: number;
}

const [SOL_SOCKET, SO_ERROR, SOL_TCP, TCP_INFO, ESTABLISHED] = [1, 4, 6, 11, 1];
const ERRORS: Readonly<Record<number, string>> = {
  104: 'ECONNRESET',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  113: 'EHOSTUNREACH',
  1: 'EPERM',
};

/** Connects, and waits for the outcome, or until `withinMs` have passed: `nothing yet`. */
export async function attemptConnection(
  from: LabNamespace,
  to: LabNamespace,
  {
    family = 4,
    port = 9000,
    withinMs,
  }: { readonly family?: Family; readonly port?: number; readonly withinMs?: number } = {},
): Promise<Attempt> {
  return attemptAddress(from.netns, { address: addressOf(to, family), port }, withinMs);
}

/** The same, from any namespace to any address. */
export async function attemptAddress(
  netns: NetnsHandle,
  to: { readonly address: string; readonly port: number },
  withinMs = Number.POSITIVE_INFINITY,
): Promise<Attempt> {
  const startedAt = performance.now();
  const fd = tcpConnect(netns, to);
  try {
    for (;;) {
      const error = socketOption(fd, SOL_SOCKET, SO_ERROR, 4).readInt32LE();
      const ms = performance.now() - startedAt;
      if (error !== 0) return { outcome: ERRORS[error] ?? `errno ${error}`, ms };
      if (socketOption(fd, SOL_TCP, TCP_INFO, 104)[0] === ESTABLISHED) return { outcome: 'connected', ms };
      if (ms > withinMs) return { outcome: 'nothing yet', ms };
      await pause(10);
    }
  } finally {
    closeSync(fd);
  }
}

/** A connection whose far end counts what arrives. */
export interface Delivery {
  /** Sends, and waits until all of it has arrived. Returns milliseconds, or the error of the connection. */
  deliver(bytes: number): Promise<number | string>;
  close(): void;
}

/** Opens one. */
export async function openDelivery(
  from: LabNamespace,
  to: LabNamespace,
  { family = 4, port = 9100 }: { readonly family?: Family; readonly port?: number } = {},
): Promise<Delivery> {
  let arrived = 0;
  let awaited: { bytes: number; resolve: (ms: number | string) => void; since: number } | undefined;
  let far: Socket | undefined;
  const settle = (): void => {
    if (awaited === undefined || arrived < awaited.bytes) return;
    awaited.resolve(performance.now() - awaited.since);
    awaited = undefined;
  };
  const server: Server = createServer((socket) => {
    far = socket;
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      arrived += data.length;
      settle();
    });
  });
  const listener = tcpListener(to.netns, { address: addressOf(to, family), port });
  await new Promise<void>((resolve) => server.listen({ fd: listener }, resolve));
  const near = new Socket({ fd: tcpConnect(from.netns, { address: addressOf(to, family), port }) });
  near.on('error', (error: NodeJS.ErrnoException) => {
    awaited?.resolve(error.code ?? error.message);
    near.destroy();
  });
  const delivery: Delivery = {
    deliver: (bytes) =>
      new Promise((resolve) => {
        awaited = { bytes: arrived + bytes, resolve, since: performance.now() };
        near.write(Buffer.alloc(bytes, 0x5a));
      }),
    close() {
      near.destroy();
      far?.destroy();
      server.close();
    },
  };
  await delivery.deliver(1);
  return delivery;
}
