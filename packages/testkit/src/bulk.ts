/** Bulk TCP streams between the ends of a laboratory: how much gets through, and how much of it is sent again. */
import { createServer, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { setSocketOption, socketOption } from '@chaosplane/daemon/ffi';
import { tcpConnect, tcpListener } from '@chaosplane/daemon/sockets';
import { addressOf, type Family, type LabNamespace } from './lab.ts';

/** Which stream. */
export interface Streaming {
  /** Default 4. */
  readonly family?: Family;
  /** The receiver's; of several streams, the first one's. Default 9000. */
  readonly port?: number;
  /** Milliseconds from the first SYN on. Default 3000. The first quarter is not measured. */
  readonly forMs?: number;
  /** The sender's congestion control. Default: the kernel's own choice. */
  readonly congestion?: 'bbr' | 'reno';
}

/** What a bulk transfer came to. */
export interface Bulk {
  /** A second, of payload that arrived. */
  readonly megabits: number;
  readonly segments: number;
  /** Of these, those that were sent before. */
  readonly retransmitted: number;
}

/** What one stream came to. */
interface Stream extends Omit<Bulk, 'megabits'> {
  /** Of payload that arrived after the first quarter. */
  readonly bytes: number;
  /** Milliseconds between the first of them and the end; 0 when none arrived. */
  readonly sinceFirstMs: number;
}

const [FILLING, CHUNK_BYTES, UNMEASURED] = [0x5a, 64 << 10, 1 / 4];
const [SOL_TCP, TCP_INFO, TCP_CONGESTION, TCP_INFO_BYTES] = [6, 11, 13, 144];
/** Of struct tcp_info in linux/tcp.h: tcpi_total_retrans and tcpi_segs_out. */
const [RETRANSMITTED_AT, SEGMENTS_AT] = [100, 136];

async function stream(
  from: LabNamespace,
  to: LabNamespace,
  { family = 4, port = 9000, forMs = 3000, congestion }: Streaming,
): Promise<Stream> {
  let [bytes, first, since] = [0, 0, 0];
  const startedAt = performance.now();
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      if (performance.now() - startedAt < forMs * UNMEASURED) return;
      if (since === 0) [since, first] = [performance.now(), data.length];
      bytes += data.length;
    });
  });
  await new Promise<void>((resolve) => {
    server.listen({ fd: tcpListener(to.netns, { address: addressOf(to, family), port }) }, resolve);
  });
  const fd = tcpConnect(from.netns, { address: addressOf(to, family), port });
  if (congestion !== undefined)
    setSocketOption(fd, SOL_TCP, TCP_CONGESTION, Buffer.from(`${congestion}\0`).readInt32LE());
  const client = new Socket({ fd });
  client.on('error', () => client.destroy());
  const chunk = Buffer.alloc(CHUNK_BYTES, FILLING);
  const end = startedAt + forMs;
  const pump = (): void => {
    while (performance.now() < end && !client.destroyed && client.write(chunk));
  };
  client.on('drain', pump);
  try {
    pump();
    await pause(forMs);
    const sinceFirstMs = since === 0 ? 0 : performance.now() - since;
    const info = client.destroyed ? Buffer.alloc(TCP_INFO_BYTES) : socketOption(fd, SOL_TCP, TCP_INFO, TCP_INFO_BYTES);
    return {
      // What came at once with the first took its time before.
      bytes: bytes - first,
      sinceFirstMs,
      segments: info.readUInt32LE(SEGMENTS_AT),
      retransmitted: info.readUInt32LE(RETRANSMITTED_AT),
    };
  } finally {
    for (const socket of [client, ...accepted]) socket.destroy();
    server.close();
  }
}

/** How fast TCP gets through once the first quarter of `forMs` is over, in bits of payload a second. */
export async function tcpThroughput(from: LabNamespace, to: LabNamespace, streaming: Streaming = {}): Promise<number> {
  const { bytes, sinceFirstMs } = await stream(from, to, streaming);
  return sinceFirstMs === 0 ? 0 : (8000 * bytes) / sinceFirstMs;
}

/** Streams for a while, `streams` of them side by side: a single one under heavy loss is a matter of luck. */
export async function bulk(
  from: LabNamespace,
  to: LabNamespace,
  { streams = 1, port = 9000, ...streaming }: Streaming & { readonly streams?: number } = {},
): Promise<Bulk> {
  const { forMs = 3000 } = streaming;
  const all = await Promise.all(
    Array.from({ length: streams }, (_, index) => stream(from, to, { ...streaming, port: port + index })),
  );
  const sum = (of: (one: Stream) => number): number => all.reduce((total, one) => total + of(one), 0);
  return {
    // A stream to which nothing comes for half of the time is half as fast.
    megabits: (8 * sum(({ bytes }) => bytes)) / (1000 * forMs * (1 - UNMEASURED)),
    segments: sum(({ segments }) => segments),
    retransmitted: sum(({ retransmitted }) => retransmitted),
  };
}
