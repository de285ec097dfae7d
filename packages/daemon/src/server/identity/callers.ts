/** What the calls of a connection have shown of it: known, refused, or nothing yet. A connection that is not known has one try. */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@chaosplane/common';
import { status, type ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { Refusal, RefusalReason } from './refusals.ts';

/** Where a connection comes from. */
export type Whence = Pick<Socket, 'remoteAddress' | 'remotePort'>;

/** A call, by its connection. */
export type Caller = Pick<ServerInterceptingCallInterface, 'getPeer'>;

/** How a call is answered that is not looked at. */
export type Answer = Pick<Refusal, 'code' | 'details'>;

/** The connections of a port, by what their calls have shown. */
export interface Callers {
  /** A connection has begun. */
  add(session: ServerHttp2Session): void;
  /** Whether a call of it was let in. */
  isKnown(call: Caller): boolean;
  /** What is answered to a call of a connection that ends: what an earlier call of it was refused with. */
  refusal(call: Caller): Answer | undefined;
  /** A call was let in: its connection is known from now on, also when the next ones are refused. */
  letIn(call: Caller): void;
  /**
   * A call is refused: the connection ends when its answers are out. One that is known stays, unless it is its certificate that is
   * refused: the next call may bring a better token.
   */
  refuse(call: Caller, refusal: Refusal): void;
}

/** How long the answers of a refused connection may take. */
const ANSWERED_MS = 100;

/** Requests for what is not there before a call of the connection is let in. They come to no gate: grpc-js answers them. */
const MOST_FOREIGN = 4;

const GONE: Answer = { code: status.UNAVAILABLE, details: 'the connection has ended' };

interface Connection {
  readonly session: ServerHttp2Session;
  readonly whence: Whence;
  known: boolean;
  refused?: Answer;
}

/** `onKnown` is told of each connection once; `paths`: the methods that are served, `/package.Service/Method`. */
export function createCallers(
  paths: ReadonlySet<string>,
  clock: Pick<Clock, 'after'>,
  onKnown: (whence: Whence) => void,
): Callers {
  const isServed = ({ ':path': path = '', 'content-type': type = '' }: IncomingHttpHeaders): boolean =>
    paths.has(path) && type.startsWith('application/grpc');
  const connections = new Map<string, Connection>();
  const end = (connection: Connection, answer: Answer): void => {
    if (connection.refused !== undefined) return;
    connection.refused = answer;
    const { session } = connection;
    // Says goodbye: what comes on it from now on is not looked at, and a client that means well makes its next call on another.
    session.close();
    const late = clock.after(ANSWERED_MS, () => session.destroy());
    session.once('close', () => late.cancel());
  };
  return {
    add(session) {
      const { remoteAddress, remotePort } = session.socket;
      // As grpc-js writes it, which gives a call no other sign of its connection.
      const peer = `${remoteAddress}:${remotePort}`;
      const connection: Connection = { session, whence: { remoteAddress, remotePort }, known: false };
      connections.set(peer, connection);
      session.once('close', () => {
        // A port is given again, sometimes before the end of the earlier connection is told.
        if (connections.get(peer) === connection) connections.delete(peer);
      });
      let foreign = 0;
      session.on('stream', (_stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        if (connection.known || isServed(headers)) return;
        foreign += 1;
        if (foreign > MOST_FOREIGN) end(connection, GONE);
      });
    },
    isKnown: (call) => connections.get(call.getPeer())?.known === true,
    refusal(call) {
      const connection = connections.get(call.getPeer());
      return connection === undefined ? GONE : connection.refused;
    },
    letIn(call) {
      const connection = connections.get(call.getPeer());
      if (connection === undefined || connection.known) return;
      connection.known = true;
      onKnown(connection.whence);
    },
    refuse(call, { code, details, reason }) {
      const connection = connections.get(call.getPeer());
      if (connection === undefined || (connection.known && !isOfCertificate(reason))) return;
      end(connection, { code, details });
    },
  };
}

const isOfCertificate = (reason: RefusalReason): boolean => reason.startsWith('certificate-');
