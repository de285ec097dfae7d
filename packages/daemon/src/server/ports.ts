/** The doors before the daemon's ports: who is a friend there, and what is told of those that are turned away. */
import {
  addressOf,
  createGuard,
  reportTurned,
  type Clock,
  type Logger,
  type Standing,
  type Turned,
} from '@chaosplane/common';
import type { NodeAddresses } from '../host/kernel/node-addresses.ts';
import { whyRefused } from './identity/client-name.ts';
import { COMMANDS, HEALTH } from './limits.ts';
import type { Before } from './listeners.ts';
import type { TLSSocket } from 'node:tls';

export interface PortParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly count: (port: string, why: Turned) => void;
}

/** For the kubelet. Where the daemon can tell the kubelet's addresses, it answers no other peer. */
export function healthPort(node: NodeAddresses, parts: PortParts): Before {
  const { guard } = createGuard({
    limits: HEALTH.guard,
    clock: parts.clock,
    standing: (address) => (node.has(address) ? 'friend' : node.apart ? 'excluded' : 'stranger'),
    onTurned: reportTurned('health', parts),
  });
  return { settings: HEALTH.settings, guard };
}

/** Addresses from which the operator came that are remembered; the one that was used least recently gives way. */
const MOST_REMEMBERED = 8;

/**
 * For the operator. Who is through the handshake with the operator's certificate has a connection that no stranger can end, and a
 * share for its address that no stranger can use up: it gets in again in any case.
 */
export function commandPort(clientName: string, parts: PortParts): Before {
  const known = new Set<string>();
  const remember = (address: string): void => {
    known.delete(address);
    known.add(address);
    const [oldest] = known;
    if (known.size > MOST_REMEMBERED && oldest !== undefined) known.delete(oldest);
  };
  const guard = createGuard({
    limits: COMMANDS.guard,
    clock: parts.clock,
    standing: (address): Standing => (known.has(address) ? 'friend' : 'stranger'),
    onTurned: reportTurned('grpc', parts),
  });
  return {
    settings: COMMANDS.settings,
    guard(server) {
      guard.guard(server);
      server.on('secureConnection', (socket: TLSSocket) => {
        const certificate = socket.getPeerX509Certificate()?.raw;
        if (certificate === undefined) return;
        if (whyRefused(certificate, clientName, parts.clock.now()) !== undefined) return;
        remember(addressOf(socket.remoteAddress ?? ''));
        guard.settle(socket);
      });
    },
  };
}
