/** Datagrams between the ends of a laboratory: what becomes of each, and how long it takes. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { setSocketOption } from '@chaosplane/daemon/ffi';
import { udpSocket } from '@chaosplane/daemon/sockets';
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
  /** Of one packet. Default 64; above what the link takes, it travels in fragments. */
  readonly bytes?: number;
  /** The receiver's address, where it is not that of its eth0. */
  readonly address?: string;
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
  /** From the first arrival to the last, in milliseconds: what had waited in a queue before is not counted. */
  readonly spanMs: number;
}

/** Where a sample of times lies, in milliseconds. */
export interface Distribution {
  readonly least: number;
  readonly median: number;
  readonly mean: number;
  readonly deviation: number;
  readonly most: number;
}

const [SOL_SOCKET, SO_RCVBUFFORCE] = [1, 33];
const PORT = 9000;
const FILLING = 0x5a;
const PACKET_BYTES = 64;
const HEADER_BYTES = 16;
let lastRun = 0;

/** Sends UDP packets one way and counts what arrives. */
export async function sendOneWay(from: LabNamespace, to: LabNamespace, sending: Sending): Promise<OneWay> {
  const { count, family = 4, port = PORT, sourcePort = 0, withinMs = 300, burst = 10, everyMs = 2 } = sending;
  const { bytes = PACKET_BYTES, address = addressOf(to, family) } = sending;
  const run = (lastRun += 1);
  const any = family === 4 ? '0.0.0.0' : '::';
  const [sender, receiver] = [
    await openUdp(from, family, sourcePort, sending.address === undefined ? addressOf(from, family) : any),
    await openUdp(to, family, port, address),
  ];
  const times = new Map<number, number>();
  let [duplicates, corrupted, sendErrors, sent, last] = [0, 0, 0, 0, 0];
  let first: number | undefined;
  receiver.on('message', (packet: Buffer) => {
    const arrived = performance.now();
    const intact = packet.length === bytes && packet.subarray(HEADER_BYTES).every((byte) => byte === FILLING);
    const sequence = packet.readUInt32BE(4);
    if (!intact || packet.readUInt32BE(0) !== run || sequence >= count) corrupted += 1;
    else if (times.has(sequence)) duplicates += 1;
    else {
      first ??= arrived;
      last = arrived;
      times.set(sequence, arrived - packet.readDoubleBE(8));
    }
  });
  try {
    while (sent < count) {
      for (let more = Math.min(burst, count - sent); more > 0; more -= 1) {
        const packet = packetOf(run, sent, performance.now(), bytes);
        sent += 1;
        sender.send(packet, port, address, (error) => {
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
    const spanMs = last - (first ?? last);
    return { sent, received, duplicates, corrupted, missing, sendErrors, times: ascending(times.values()), spanMs };
  } finally {
    sender.close();
    receiver.close();
  }
}

function packetOf(run: number, sequence: number, sentAt: number, bytes = PACKET_BYTES): Buffer {
  const packet = Buffer.alloc(bytes, FILLING);
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

async function openUdp(
  at: LabNamespace,
  family: Family,
  port: number,
  address = addressOf(at, family),
): Promise<UdpSocket> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  const fd = udpSocket(at.netns, { address, port });
  // What a fault lets go at once must not be lost for want of room here.
  setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
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

/** The time that so many per cent of the sample stay below, in its own unit. */
export function percentile(sample: readonly number[], percent: number): number {
  const sorted = ascending(sample);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}
