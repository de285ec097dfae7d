/** Sessions of HTTP/2, each of which does something again and again. */
import type * as http2 from 'node:http2';
import { keepOpen, type Flood, type FloodTarget, type Sum } from './connections.ts';

export type Act = (session: http2.ClientHttp2Session, sum: Sum) => void;

export function http2Sessions(
  connect: (target: FloodTarget) => http2.ClientHttp2Session,
  everyMs: number,
  act: Act,
): Flood {
  return (target, sum) =>
    keepOpen(target, sum, (over) => {
      const session = connect(target);
      session.once('connect', () => (sum.connected += 1));
      session.on('error', () => undefined);
      const timer = setInterval(() => {
        if (!session.destroyed && !session.connecting) act(session, sum);
      }, everyMs);
      session.once('close', () => {
        clearInterval(timer);
        over();
      });
      return () => session.destroy();
    });
}

/** One request; what is answered is counted, and what becomes of it otherwise is not looked at. */
export function request(
  session: http2.ClientHttp2Session,
  sum: Sum,
  headers: http2.OutgoingHttpHeaders,
): http2.ClientHttp2Stream {
  const stream = session.request(headers);
  stream.on('error', () => undefined);
  stream.on('data', (data: Buffer) => (sum.answered += data.length));
  return stream;
}

export const times = (many: number, act: () => void): void => {
  for (let index = 0; index < many; index += 1) act();
};
