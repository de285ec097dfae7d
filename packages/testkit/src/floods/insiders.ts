/** Floods of the commands' port behind its handshake, by a client that has a certificate: of a wrong name, or the operator's, without its token. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as http2 from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { count, keepOpen, placesOf, type Flood, type FloodTarget, type Sum } from './connections.ts';
import { http2Sessions, request, times, type Act } from './sessions.ts';

const LIST = {
  ':method': 'POST',
  ':path': `/${ChaosDaemonDefinition.fullName}/${ChaosDaemonDefinition.methods.listExecutions.name}`,
  'content-type': 'application/grpc',
  te: 'trailers',
};

const identityOf = ({ certificate = '', key = '' }: FloodTarget) => ({
  cert: readFileSync(certificate),
  key: readFileSync(key),
  rejectUnauthorized: false,
});

/** Sessions with the certificate of the target. */
function sessions(everyMs: number, act: Act): Flood {
  return (target, sum) => {
    const identity = identityOf(target);
    const connect = ({ host, port }: FloodTarget) =>
      http2.connect(`https://${host}:${port}`, {
        createConnection: () => connectTls({ ...placesOf(target, sum), ALPNProtocols: ['h2'], ...identity }),
      });
    return http2Sessions(connect, everyMs, act)(target, sum);
  };
}

/** Calls that come to no gate of a server that does not ask for the token in each. */
const HEALTH = { ...LIST, ':path': '/grpc.health.v1.Health/Check' };
const UNKNOWN = { ...LIST, ':path': '/none.None/None' };
const LARGE = { 'x-large': 'x'.repeat(11_000) };

const list = (session: http2.ClientHttp2Session, sum: Sum, headers: http2.OutgoingHttpHeaders = {}) =>
  request(session, sum, { ...LIST, ...headers });

/** A frame of HTTP/2: https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
function frame(type: number, flags: number, stream: number, payload: readonly number[], length = payload.length) {
  const header = Buffer.alloc(9);
  header.writeUIntBE(length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, Buffer.from(payload)]);
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = frame(4, 0, 0, []);

/** Each breaks one rule of RFC 9113, and ends its connection; none is more than a few bytes. */
const MALFORMED: readonly Buffer[] = [
  Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  Buffer.concat([PREFACE, frame(4, 0, 0, [0, 1, 0, 0, 0])]),
  Buffer.concat([PREFACE, SETTINGS, frame(0, 0, 0, [1])]),
  Buffer.concat([PREFACE, SETTINGS, frame(8, 0, 0, [0, 0, 0, 0])]),
  Buffer.concat([PREFACE, SETTINGS, frame(9, 4, 1, [0x82])]),
  Buffer.concat([PREFACE, SETTINGS, frame(5, 4, 1, [0, 0, 0, 2, 0x82])]),
  Buffer.concat([PREFACE, SETTINGS, frame(1, 5, 1, [0xbf])]),
  Buffer.concat([PREFACE, SETTINGS, frame(1, 5, 2, [0x82])]),
  Buffer.concat([PREFACE, SETTINGS, frame(0, 0, 1, [], 0xff_ff_ff)]),
];

const malformedFrames: Flood = (target, sum) => {
  const identity = identityOf(target);
  return keepOpen(target, sum, (over) => {
    const socket = connectTls({ ...placesOf(target, sum), ALPNProtocols: ['h2'], ...identity });
    count(socket, sum, over, 'secureConnect');
    const bytes = MALFORMED[sum.begun % MALFORMED.length];
    socket.once('secureConnect', () => bytes !== undefined && socket.write(bytes));
    return () => socket.destroy();
  });
};

const CHUNK = Buffer.alloc(65_536);

/** The start of a message of so many bytes (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), which never ends. */
function endless(bytes: number): Flood {
  const streams = new WeakMap<http2.ClientHttp2Session, http2.ClientHttp2Stream[]>();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes, 1);
  return sessions(20, (session, sum) => {
    const open = (streams.get(session) ?? []).filter((stream) => stream.writable);
    streams.set(session, open);
    if (open.length < 100) {
      const stream = list(session, sum);
      stream.write(prefix);
      open.push(stream);
    }
    // No more than the other side takes: else it is this process that grows.
    for (const stream of open) if (!stream.writableNeedDrain) stream.write(CHUNK);
  });
}

export const insiderFloods = {
  /** Each of their calls is refused. */
  insiders: sessions(20, (session, sum) => times(20, () => void list(session, sum))),
  /** They say nothing. */
  'idle-sessions': sessions(1000, () => undefined),
  'header-flood': sessions(20, (session, sum) => times(10, () => void list(session, sum, LARGE))),
  'health-calls': sessions(20, (session, sum) => times(10, () => void request(session, sum, { ...HEALTH, ...LARGE }))),
  'unknown-calls': sessions(20, (session, sum) =>
    times(10, () => void request(session, sum, { ...UNKNOWN, ...LARGE })),
  ),
  /** More than is allowed for one request, so that it comes in several frames. */
  'oversized-headers': sessions(20, (session, sum) => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`x-${index}`, 'y'.repeat(1000)]));
    times(5, () => void list(session, sum, many));
  }),
  /** Each call brings another unknown token. */
  tokens: sessions(20, (session, sum) =>
    times(20, () => void list(session, sum, { authorization: `Bearer none.${randomUUID()}.none` })),
  ),
  'malformed-frames': malformedFrames,
  /** No message may be so long. */
  'oversized-messages': endless(0xff_ff_ff_ff),
  /** A message may be so long; it does not end. */
  'unfinished-messages': endless(4_000_000),
} satisfies Readonly<Record<string, Flood>>;
