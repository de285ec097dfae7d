/** Puts a door before a server: each connection passes it before the server hears of it. */
import type { Server, Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { createDoor, type Door, type DoorLimits, type Pass, type Turned, MOST_FRIENDS } from './door.ts';
import { metered } from './metered.ts';
import { addressOf, peerOf } from './peer.ts';

/** How a peer stands to a port. */
export type Standing = 'friend' | 'stranger' | 'excluded';

/** What a port allows. */
export interface GuardLimits extends DoorLimits {
  /** How long a connection that is not settled may be open, in milliseconds. */
  readonly lifeMs: number;
  /** How many bytes a connection may send in its life; absent: they are not counted. */
  readonly bytes?: number;
}

export interface GuardOptions {
  readonly limits: GuardLimits;
  readonly clock: Clock;
  /** How the peer of this address stands; asked for each connection. Absent: all are strangers. */
  readonly standing?: (address: string) => Standing;
  /** Told of each connection that is turned away or ended. */
  readonly onTurned: (why: Turned, peer: string) => void;
}

/** A door in use. */
export interface Guard {
  /** The connection is known by more than its address: it may stay. Ends it when there are too many such. */
  settle(connection: Pick<Socket, 'remoteAddress' | 'remotePort'>): void;
}

/**
 * Guards a server of node:net or what is made of one, before or after it listens. One guard may serve several, which then share
 * its limits.
 */
export function createGuard({
  limits,
  clock,
  standing,
  onTurned,
}: GuardOptions): Guard & { guard(server: Server): void } {
  const door = createDoor(limits, clock);
  const open = new Map<string, { readonly pass: Pass; readonly socket: Socket; stay(): void }>();
  const come = (socket: Socket, serve: (connection: object) => void): void => {
    const { remoteAddress } = socket;
    // Absent: the connection is over already.
    const address = addressOf(remoteAddress ?? '');
    const stands = address === '' ? 'excluded' : (standing?.(address) ?? 'stranger');
    const end = (why: Turned) => (): void => {
      onTurned(why, address);
      // Without a goodbye: it costs nothing afterwards, of ports and of memory.
      socket.resetAndDestroy();
    };
    socket.on('error', () => undefined);
    if (stands === 'excluded') {
      end('not-for-this-peer')();
      return;
    }
    const pass = door.enter(peerOf(address), stands === 'friend', end('crowded-out'));
    if (typeof pass === 'string') {
      end(pass)();
      return;
    }
    const timer = clock.after(limits.lifeMs, end('too-slow'));
    const key = keyOf(socket);
    open.set(key, { pass, socket, stay: () => timer.cancel() });
    socket.once('close', () => {
      timer.cancel();
      pass.leave();
      // A port is given again, sometimes before the end of the earlier connection is told.
      if (open.get(key)?.socket === socket) open.delete(key);
    });
    serve(limits.bytes === undefined ? socket : metered(socket, limits.bytes, end('too-much')));
  };
  return {
    guard(server) {
      const listeners = server.listeners('connection');
      server.removeAllListeners('connection');
      server.on('connection', (socket: Socket) => {
        come(socket, (connection) => {
          for (const listener of listeners) listener.call(server, connection);
        });
      });
      server.maxConnections = limits.strangers.open + MOST_FRIENDS * limits.peer.open + limits.settled;
    },
    settle(connection) {
      const found = open.get(keyOf(connection));
      if (found === undefined) return;
      if (found.pass.settle()) found.stay();
      else {
        onTurned('crowded-out', found.pass.peer);
        found.socket.resetAndDestroy();
      }
    },
  };
}

export type { Door };

function keyOf({ remoteAddress = '', remotePort = 0 }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}
