/** Measuring tools: real packets and connections between the ends of a laboratory. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, Socket } from 'node:net';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { tcpConnect, tcpListener, udpSocket } from '@chaosplane/daemon/sockets';
import { addressOf, type Family, type LabNamespace } from './lab.ts';

/** What is sent and how. */
export interface Sending {
  readonly count: number;
  /** Default 4. */
  readonly family?: Family;
  /** The receiver's port. Default 9000. */
  readonly port?: number;
  /** The sender's port. Default: any. */
  readonly sourcePort?: number;
  /** How long to wait for stragglers after the last packet was sent, in milliseconds. Default 300. */
  readonly withinMs?: number;
  /** Packets that leave in one go, followed by a pause of `everyMs`. Default 10. */
  readonly burst?: number;
  /** Default 2 ms. */
  readonly everyMs?: number;
}

/** What became of packets that travelled one way. */
export interface OneWay {
  readonly sent: number;
  /** Different packets that arrived whole. */
  readonly received: number;
  readonly duplicates: number;
  readonly corrupted: number;
  /** The numbers of those that did not arrive, in the order in which they were sent. */
  readonly missing: readonly number[];
  /** Packets that the sender's own kernel refused to take. */
  readonly sendErrors: number;
  /** How long each received one took, in milliseconds, sorted. */
  readonly times: readonly number[];
}

/** Where a sample of times lies, in milliseconds. */
export interface Distribution {
  readonly least: number;
  readonly median: number;
  readonly mean: number;
  readonly deviation: number;
  readonly most: number;
}

const PORT = 9000;
const FILLING = 0x5a;
const PACKET_BYTES = 64;
const HEADER_BYTES = 16;
let lastRun = 0;

/** Sends UDP packets one way and counts what arrives. */
export async function sendOneWay(from: LabNamespace, to: LabNamespace, sending: Sending): Promise<OneWay> {
  const { count, family = 4, port = PORT, sourcePort = 0, withinMs = 300, burst = 10, everyMs = 2 } = sending;
  const run = (lastRun += 1);
  const [sender, receiver] = [await openUdp(from, family, sourcePort), await openUdp(to, family, port)];
  const times = new Map<number, number>();
  let [duplicates, corrupted, sendErrors, sent] = [0, 0, 0, 0];
  receiver.on('message', (packet: Buffer) => {
    const arrived = performance.now();
    const intact = packet.length === PACKET_BYTES && packet.subarray(HEADER_BYTES).every((byte) => byte === FILLING);
    const sequence = packet.readUInt32BE(4);
    if (!intact || packet.readUInt32BE(0) !== run || sequence >= count) corrupted += 1;
    else if (times.has(sequence)) duplicates += 1;
    else times.set(sequence, arrived - packet.readDoubleBE(8));
  });
  try {
    while (sent < count) {
      for (let more = Math.min(burst, count - sent); more > 0; more -= 1) {
        const packet = packetOf(run, sent, performance.now());
        sent += 1;
        sender.send(packet, port, addressOf(to, family), (error) => {
          if (error !== null) sendErrors += 1;
        });
      }
      // The receiver gets its turn before the next burst, so that its buffer never overflows.
      await turn();
      if (everyMs > 0) await pause(everyMs);
    }
    const end = performance.now() + withinMs;
    while (times.size < count && performance.now() < end) await pause(5);
    const missing = Array.from({ length: count }, (_, sequence) => sequence).filter((sequence) => !times.has(sequence));
    const received = times.size;
    return { sent, received, duplicates, corrupted, missing, sendErrors, times: ascending(times.values()) };
  } finally {
    sender.close();
    receiver.close();
  }
}

function packetOf(run: number, sequence: number, sentAt: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, FILLING);
  packet.writeUInt32BE(run, 0);
  packet.writeUInt32BE(sequence, 4);
  packet.writeDoubleBE(sentAt, 8);
  return packet;
}

/** Sends UDP packets one after the other, each answered by the other end; the round trips in milliseconds, sorted. */
export async function roundTrips(from: LabNamespace, to: LabNamespace, sending: Sending): Promise<readonly number[]> {
  const { count, family = 4, port = PORT, withinMs = 2000, everyMs = 0 } = sending;
  const [client, server] = [await openUdp(from, family, 0), await openUdp(to, family, port)];
  server.on('message', (packet, { port: back, address }) => server.send(packet, back, address));
  const times: number[] = [];
  try {
    for (let sequence = 0; sequence < count; sequence += 1) {
      const answered = Promise.withResolvers<undefined>();
      const listen = (packet: Buffer): void => {
        if (packet.readUInt32BE(4) === sequence) answered.resolve(undefined);
      };
      client.on('message', listen);
      const sentAt = performance.now();
      client.send(packetOf(0, sequence, sentAt), port, addressOf(to, family));
      const late = setTimeout(() => answered.reject(new Error('no answer')), withinMs);
      await answered.promise.then(
        () => times.push(performance.now() - sentAt),
        () => undefined,
      );
      clearTimeout(late);
      client.off('message', listen);
      if (everyMs > 0) await pause(everyMs);
    }
    return ascending(times);
  } finally {
    client.close();
    server.close();
  }
}

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

/** How fast TCP gets through, in bits of payload a second, once the first quarter of `forMs` is over. */
export async function tcpThroughput(
  from: LabNamespace,
  to: LabNamespace,
  { family = 4, port = PORT, forMs = 3000 }: { family?: Family; port?: number; forMs?: number } = {},
): Promise<number> {
  let [bytes, since] = [0, 0];
  const startedAt = performance.now();
  const counted: Socket[] = [];
  const server = createServer((socket) => {
    counted.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      if (performance.now() - startedAt < forMs / 4) return;
      // What came at once with the first is not part of the time that is measured.
      if (since === 0) since = performance.now();
      else bytes += data.length;
    });
  });
  await new Promise<void>((resolve) => {
    server.listen({ fd: tcpListener(to.netns, { address: addressOf(to, family), port }) }, resolve);
  });
  const client = new Socket({ fd: tcpConnect(from.netns, { address: addressOf(to, family), port }) });
  client.on('error', () => client.destroy());
  const chunk = Buffer.alloc(64 << 10, FILLING);
  const end = startedAt + forMs;
  const pump = (): void => {
    while (performance.now() < end && !client.destroyed && client.write(chunk));
  };
  client.on('drain', pump);
  try {
    pump();
    await pause(forMs);
    return since === 0 ? 0 : (8 * bytes) / ((performance.now() - since) / 1000);
  } finally {
    for (const socket of [client, ...counted]) socket.destroy();
    server.close();
  }
}

/** How long opening a TCP connection takes, in milliseconds; absent when it does not succeed within `withinMs`. */
export async function tcpConnectTime(...args: Parameters<typeof openFlow>): Promise<number | undefined> {
  const flow = await openFlow(...args);
  flow?.close();
  return flow?.connectMs;
}

async function openUdp(at: LabNamespace, family: Family, port: number): Promise<UdpSocket> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  const fd = udpSocket(at.netns, { address: addressOf(at, family), port });
  await new Promise<void>((resolve) => socket.bind({ fd }, () => resolve()));
  socket.on('error', () => undefined);
  return socket;
}

const ascending = (numbers: Iterable<number>): number[] => [...numbers].toSorted((a, b) => a - b);

/** Says where a sample lies. */
export function distribution(sample: readonly number[]): Distribution {
  const sorted = ascending(sample);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const variance = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sorted.length;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const [least, median, most] = [at(0), at(sorted.length >> 1), at(sorted.length - 1)];
  return { least, median, mean, deviation: Math.sqrt(variance), most };
}
