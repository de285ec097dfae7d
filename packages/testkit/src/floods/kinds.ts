/** The kinds of floods: ordinary traffic, of which there is far too much. Only those of `insiders.ts` need a credential. */
import * as http2 from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { count, keepOpen, placesOf, type Flood, type Sum } from './connections.ts';
import { insiderFloods } from './insiders.ts';
import { http2Sessions, request, times, type Act } from './sessions.ts';

/** Connections over TCP, each of which does something once it is there. */
function tcp(then: (socket: Socket, every: (ms: number, act: () => void) => void) => void): Flood {
  return (target, sum) =>
    keepOpen(target, sum, (over) => {
      const timers: NodeJS.Timeout[] = [];
      const socket = connectTcp(placesOf(target, sum));
      count(socket, sum, () => {
        for (const timer of timers) clearInterval(timer);
        over();
      });
      socket.once('connect', () => then(socket, (ms, act) => void timers.push(setInterval(act, ms))));
      return () => socket.destroy();
    });
}

/** Handshakes without a certificate, as fast as the other side takes them. */
const handshakes: Flood = (target, sum) =>
  keepOpen(target, sum, (over) => {
    const socket = connectTls({
      ...placesOf(target, sum),
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    count(socket, sum, over);
    socket.once('secureConnect', () => setTimeout(() => socket.destroy(), 20));
    return () => socket.destroy();
  });

function plainHttp2(everyMs: number, act: Act, settings: http2.Settings = {}): Flood {
  return http2Sessions(({ host, port }) => http2.connect(`http://${host}:${port}`, { settings }), everyMs, act);
}

const CHECK = {
  ':method': 'POST',
  ':path': '/grpc.health.v1.Health/Check',
  'content-type': 'application/grpc',
  te: 'trailers',
};

const ask = (session: http2.ClientHttp2Session, sum: Sum, headers: http2.OutgoingHttpHeaders = {}) =>
  request(session, sum, { ...CHECK, ...headers });

const ignored = (): undefined => undefined;

/** The first bytes of a client's first message of TLS. */
const HELLO = Buffer.from([0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x00, 0x3f, 0xfc]);
const GET = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

export const floods = {
  // Any port.
  'idle-connections': tcp(() => undefined),
  'connect-and-close': tcp((socket) => socket.destroy()),
  'random-bytes': tcp((socket, every) => every(5, () => socket.write(Buffer.alloc(16_384, 7)))),
  // TLS.
  'slow-handshakes': tcp((socket, every) => {
    let sent = 0;
    every(100, () => void socket.write(HELLO.subarray(sent, (sent += 1) || 1)));
  }),
  handshakes,
  ...insiderFloods,
  // HTTP/2.
  'large-headers': plainHttp2(20, (session, sum) =>
    times(60, () => ask(session, sum, { 'x-large': 'x'.repeat(11_000) })),
  ),
  'many-streams': plainHttp2(20, (session, sum) => times(200, () => ask(session, sum))),
  'reset-streams': plainHttp2(10, (session, sum) =>
    times(100, () => ask(session, sum).close(http2.constants.NGHTTP2_CANCEL)),
  ),
  pings: plainHttp2(5, (session) => times(100, () => void session.ping(ignored))),
  settings: plainHttp2(5, (session) => times(20, () => session.settings({ initialWindowSize: 65_535 }, ignored))),
  'large-messages': plainHttp2(20, (session, sum) => void ask(session, sum).write(Buffer.alloc(262_144))),
  'unread-answers': plainHttp2(20, (session, sum) => times(50, () => ask(session, sum).end(Buffer.alloc(5))), {
    initialWindowSize: 0,
  }),
  'slow-preface': tcp((socket, every) => every(200, () => socket.write('P'))),
  // HTTP/1.
  'slow-headers': tcp((socket, every) => {
    socket.write('GET /metrics HTTP/1.1\r\n');
    every(100, () => socket.write('x: y\r\n'));
  }),
  'long-headers': tcp((socket, every) => {
    socket.write('GET /metrics HTTP/1.1\r\n');
    every(5, () => socket.write(`x-${'y'.repeat(8000)}: z\r\n`));
  }),
  'slow-bodies': tcp((socket, every) => {
    socket.write('POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
    every(20, () => socket.write('x'.repeat(10_000)));
  }),
  'many-requests': tcp((socket, every) => every(5, () => socket.write(GET('/metrics').repeat(500)))),
  'unread-pages': tcp((socket) => {
    socket.pause();
    socket.write(GET('/metrics').repeat(500));
  }),
} satisfies Readonly<Record<string, Flood>>;

export type FloodName = keyof typeof floods;
