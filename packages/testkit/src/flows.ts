/** Single TCP connections between the ends of a laboratory: whether they open, and how long a word takes. */
import { createServer, Socket } from 'node:net';
import { tcpConnect, tcpListener } from '@chaosplane/daemon/sockets';
import { addressOf, type Family, type LabNamespace } from './lab.ts';

const PORT = 9000;

/** An open TCP connection whose other end sends back what it gets. */
export interface Flow {
  /** How long opening it took, in milliseconds. */
  readonly connectMs: number;
  /** Sends a word and waits for its echo: the round trip in milliseconds; absent when it did not come in time. */
  exchange(withinMs: number): Promise<number | undefined>;
  close(): void;
}

/** Opens a TCP connection to a port of the other end; absent when that does not succeed within `withinMs`. */
export async function openFlow(
  from: LabNamespace,
  to: LabNamespace,
  { family = 4, port = PORT, withinMs = 2000 }: { family?: Family; port?: number; withinMs?: number } = {},
): Promise<Flow | undefined> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen({ fd: tcpListener(to.netns, { address: addressOf(to, family), port }) }, resolve);
  });
  const close = (): void => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  const startedAt = performance.now();
  const client = new Socket({ fd: tcpConnect(from.netns, { address: addressOf(to, family), port }) });
  open.add(client);
  const exchange = async (limitMs: number): Promise<number | undefined> => {
    const sentAt = performance.now();
    const answered = Promise.withResolvers<number | undefined>();
    client.once('data', () => answered.resolve(performance.now() - sentAt));
    client.once('error', () => answered.resolve(undefined));
    const late = setTimeout(() => answered.resolve(undefined), limitMs);
    client.write('word');
    return answered.promise.finally(() => clearTimeout(late));
  };
  // What is written to a socket that still connects leaves when it has connected, so the write tells when that was.
  const connected = await new Promise<boolean>((resolve) => {
    const late = setTimeout(() => resolve(false), withinMs);
    const settle = (well: boolean): void => {
      clearTimeout(late);
      resolve(well);
    };
    client.once('error', () => settle(false));
    client.write('hello', (error) => settle(error === null || error === undefined));
  });
  const connectMs = performance.now() - startedAt;
  client.on('error', () => client.destroy());
  if (connected && (await firstEcho(client, withinMs))) return { connectMs, exchange, close };
  close();
  return undefined;
}

async function firstEcho(client: Socket, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), withinMs);
    client.once('data', () => {
      clearTimeout(late);
      resolve(true);
    });
  });
}

/** How long opening a TCP connection takes, in milliseconds; absent when it does not succeed within `withinMs`. */
export async function tcpConnectTime(...args: Parameters<typeof openFlow>): Promise<number | undefined> {
  const flow = await openFlow(...args);
  flow?.close();
  return flow?.connectMs;
}

/**
 * Whether a TCP connection opens. One that is to open has ten seconds, because the machine may do something else meanwhile; one that
 * is not to open is not waited for longer than half a second.
 */
export async function connects(
  expected: boolean,
  from: LabNamespace,
  to: LabNamespace,
  where: { readonly family?: Family; readonly port?: number } = {},
): Promise<boolean> {
  return (await tcpConnectTime(from, to, { ...where, withinMs: expected ? 10_000 : 500 })) !== undefined;
}
