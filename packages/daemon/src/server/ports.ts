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
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { HealthDefinition } from 'nice-grpc-server-health';
import type { NodeAddresses } from '../host/kernel/node-addresses.ts';
import { createCallers, type Callers } from './identity/callers.ts';
import { COMMANDS, HEALTH } from './limits.ts';
import type { Before } from './listeners.ts';
import type { ServerHttp2Session } from 'node:http2';

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

/** What the commands' port serves. */
const PATHS: ReadonlySet<string> = new Set(
  [ChaosDaemonDefinition, HealthDefinition].flatMap(({ fullName, methods }) =>
    Object.values(methods).map(({ name }) => `/${fullName}/${name}`),
  ),
);

/** Addresses from which the operator came that are remembered; the one that was used least recently gives way. */
const MOST_REMEMBERED = 8;

/**
 * For the operator. A connection of which a call was let in can be ended by no stranger, and its address has a share that no stranger
 * can use up: it gets in again in any case. A certificate alone makes none known: its key may be stolen.
 */
export function commandPort(parts: PortParts): { readonly before: Before; readonly callers: Callers } {
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
  const callers = createCallers(PATHS, parts.clock, (whence) => {
    remember(addressOf(whence.remoteAddress ?? ''));
    guard.settle(whence);
  });
  const before: Before = {
    settings: COMMANDS.settings,
    guard(server) {
      guard.guard(server);
      server.on('session', (session: ServerHttp2Session) => callers.add(session));
    },
  };
  return { before, callers };
}
