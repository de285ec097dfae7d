/** What the calls of a connection have shown of it: known, refused, or nothing yet. A connection that is not known has one try. */
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@chaosplane/common';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { RefusalReason } from './refusals.ts';

/** Where a connection comes from. */
export type Whence = Pick<Socket, 'remoteAddress' | 'remotePort'>;

/** A call, by its connection. */
export type Caller = Pick<ServerInterceptingCallInterface, 'getPeer'>;

/** The connections of a port, by what their calls have shown. */
export interface Callers {
  /** A connection has begun. */
  add(session: ServerHttp2Session): void;
  /** What was shown so far. A connection that has ended is refused. */
  standing(call: Caller): 'new' | 'known' | 'refused';
  /** A call was let in: its connection is known from now on, also when the next ones are refused. */
  letIn(call: Caller): void;
  /**
   * A call was refused, and is answered: the connection ends when its answers are out. One that is known stays, unless it is its
   * certificate that is refused: the next call may bring a better token.
   */
  refuse(call: Caller, reason: RefusalReason): void;
}

/** How long the answers of a refused connection may take. */
const ANSWERED_MS = 100;

interface Connection {
  readonly session: ServerHttp2Session;
  readonly whence: Whence;
  standing: 'new' | 'known' | 'refused';
}

/** `onKnown` is told of each connection once. */
export function createCallers(clock: Pick<Clock, 'after'>, onKnown: (whence: Whence) => void): Callers {
  const connections = new Map<string, Connection>();
  return {
    add(session) {
      const { remoteAddress, remotePort } = session.socket;
      // As grpc-js writes it, which gives a call no other sign of its connection.
      const peer = `${remoteAddress}:${remotePort}`;
      connections.set(peer, { session, whence: { remoteAddress, remotePort }, standing: 'new' });
      session.once('close', () => {
        // A port is given again, sometimes before the end of the earlier connection is told.
        if (connections.get(peer)?.session === session) connections.delete(peer);
      });
    },
    standing: (call) => connections.get(call.getPeer())?.standing ?? 'refused',
    letIn(call) {
      const connection = connections.get(call.getPeer());
      if (connection?.standing !== 'new') return;
      connection.standing = 'known';
      onKnown(connection.whence);
    },
    refuse(call, reason) {
      const connection = connections.get(call.getPeer());
      if (connection === undefined || connection.standing === 'refused') return;
      if (connection.standing === 'known' && !reason.startsWith('certificate-')) return;
      connection.standing = 'refused';
      const { session } = connection;
      // Says goodbye: what comes on it from now on is not looked at, and a client that means well makes its next call on another.
      session.close();
      const late = clock.after(ANSWERED_MS, () => session.destroy());
      session.once('close', () => late.cancel());
    },
  };
}
