/** A resolver inside a namespace, over UDP and TCP, and a client that asks it the way a program does. */
import { createSocket } from 'node:dgram';
import { createServer, Socket } from 'node:net';
import type { LabNamespace } from '@chaosplane/testkit';
import {
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  streamDecode,
  streamEncode,
  type Packet,
} from 'dns-packet';
import { tcpConnect, tcpListener, udpSocket } from '../../src/host/kernel/sockets.ts';

/** A resolver that answers everything. */
export interface LabResolver {
  readonly address: string;
  /** What it answered, byte for byte, the newest last. */
  readonly answers: Buffer[];
  close(): void;
}

/** What a client got. */
export interface Answer {
  /** For example NOERROR. */
  readonly code: string;
  readonly bytes: Buffer;
}

/** Starts one at `address` of the namespace. */
export async function startResolver(at: LabNamespace, address: string): Promise<LabResolver> {
  const answers: Buffer[] = [];
  let serial = 0;
  const answer = (query: Buffer): Buffer => {
    const { id = 0, questions = [] } = decode(query);
    const [question] = questions;
    const name = question?.name ?? '';
    serial += 1;
    // A time to live of its own makes each answer different.
    const base = { name, ttl: 1000 + serial };
    const record =
      question?.type === 'AAAA'
        ? ({ ...base, type: 'AAAA', data: 'fd00::7' } as const)
        : ({ ...base, type: 'A', data: '10.1.2.3' } as const);
    const flags = RECURSION_DESIRED | RECURSION_AVAILABLE;
    const bytes = encode({ type: 'response', id, flags, questions, answers: [record] });
    answers.push(bytes);
    return bytes;
  };
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (query, from) => udp.send(answer(query), from.port, from.address));
  await new Promise<void>((resolve) => udp.bind({ fd: udpSocket(at.netns, { address, port: 53 }) }, resolve));
  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      const bytes = answer(chunk.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      socket.write(Buffer.concat([length, bytes]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen({ fd: tcpListener(at.netns, { address, port: 53 }) }, resolve));
  return {
    address,
    answers,
    close() {
      udp.close();
      tcp.close();
    },
  };
}

let lastId = 100;

/** How long a client waits; a busy machine may need some of it. */
const WITHIN_MS = 10_000;

/** Asks over UDP, on a connected socket: an answer from any other address would not get in. */
export async function ask(
  from: LabNamespace,
  resolver: string,
  name: string,
  { type = 'A', withinMs = WITHIN_MS }: { readonly type?: 'A' | 'AAAA'; readonly withinMs?: number } = {},
): Promise<Answer | 'timeout'> {
  const socket = createSocket(resolver.includes(':') ? 'udp6' : 'udp4');
  const { promise, resolve } = Promise.withResolvers<Answer | 'timeout'>();
  socket.on('message', (bytes) => resolve({ code: codeOf(decode(bytes)), bytes }));
  socket.on('error', () => resolve('timeout'));
  const any = { address: resolver.includes(':') ? '::' : '0.0.0.0', port: 0 };
  socket.bind({ fd: udpSocket(from.netns, any) }, () => {
    socket.connect(53, resolver, () => socket.send(queryFor(name, type)));
  });
  const late = setTimeout(() => resolve('timeout'), withinMs);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    socket.close();
  }
}

/** The same over TCP. */
export async function askOverTcp(from: LabNamespace, resolver: string, name: string): Promise<Answer | 'timeout'> {
  const socket = new Socket({ fd: tcpConnect(from.netns, { address: resolver, port: 53 }), writable: true });
  const { promise, resolve } = Promise.withResolvers<Answer | 'timeout'>();
  socket.on('data', (bytes: Buffer) => resolve({ code: codeOf(streamDecode(bytes)), bytes: bytes.subarray(2) }));
  socket.on('error', () => resolve('timeout'));
  socket.write(streamEncode(decode(queryFor(name, 'A'))));
  const late = setTimeout(() => resolve('timeout'), WITHIN_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

function queryFor(name: string, type: 'A' | 'AAAA'): Buffer {
  lastId += 1;
  return encode({ type: 'query', id: lastId, flags: RECURSION_DESIRED, questions: [{ type, name }] });
}

const codeOf = (packet: Packet): string => (packet as unknown as { rcode: string }).rcode;
