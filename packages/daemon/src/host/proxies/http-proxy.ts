/** The HTTP proxy of one side and family of a namespace: accepts what is redirected, and finds the rules of its port. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { isWithin, type Clock } from '@chaosplane/common';
import type { ActiveHttpRule } from '../../proxy/http/decide.ts';
import type { Side } from '../../model/proxy-rule.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { tcpListener } from '../kernel/sockets.ts';
import { ProxiedConnection } from './http-connection.ts';
import { connectAsClient, connectPlainly, originalDestination } from './upstream.ts';

/** A proxy that listens. */
export interface HttpProxy {
  readonly port: number;
  /** The rules that are asked from now on; with none, everything passes. */
  rules: readonly ActiveHttpRule[];
  /** Connections through it. */
  readonly open: number;
  /** Called whenever `open` becomes more. */
  onMore: () => void;
  /** Called whenever `open` becomes less. */
  onLess: () => void;
  /** Closes connections on which nothing is under way. */
  closeIdle(): void;
  /** Ends it and all its connections. */
  close(): void;
}

/** What a proxy needs. */
export interface HttpProxyOptions {
  readonly netns: NetnsHandle;
  readonly side: Side;
  readonly family: 4 | 6;
  readonly clock: Clock;
}

/**
 * Where the redirects lead: arriving connections go to the address of the interface that they came in by, leaving ones to
 * the loopback address. What comes to the port without a redirect is turned away.
 */
const LISTEN_ADDRESS = {
  server: { 4: '0.0.0.0', 6: '::' },
  client: { 4: '127.0.0.1', 6: '::1' },
} as const;

export async function openHttpProxy({ netns, side, family, clock }: HttpProxyOptions): Promise<HttpProxy> {
  const connections = new Set<ProxiedConnection>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const proxy = {
    port: 0,
    rules: [] as readonly ActiveHttpRule[],
    get open() {
      return connections.size;
    },
    onMore: (): void => undefined,
    onLess: (): void => undefined,
    closeIdle() {
      for (const connection of connections) if (connection.idle) connection.close();
    },
    close() {
      server.close();
      for (const connection of connections) connection.destroy();
    },
  };
  server.on('connection', (front: Socket) => {
    const to = originalDestination(front);
    const { remoteAddress, remotePort } = front;
    if (to === undefined || remoteAddress === undefined || remotePort === undefined) {
      front.destroy();
      return;
    }
    const client = { address: remoteAddress, port: remotePort };
    const connect = (): Socket => (side === 'server' ? connectAsClient(netns, to, client) : connectPlainly(netns, to));
    const rules = (): readonly ActiveHttpRule[] => rulesFor(proxy.rules, to.port, client.address);
    const connection = new ProxiedConnection({ front, connect, rules, clock });
    connections.add(connection);
    proxy.onMore();
    front.once('close', () => {
      connections.delete(connection);
      proxy.onLess();
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen({ fd: tcpListener(netns, { address: LISTEN_ADDRESS[side][family], port: 0 }) }, () =>
    resolve(undefined),
  );
  await promise;
  // What cannot be accepted for want of descriptors is tried again by its client.
  server.on('error', () => undefined);
  return Object.assign(proxy, { port: (server.address() as AddressInfo).port });
}

/** The usual case, one rule on one port, makes no new list. */
function rulesFor(all: readonly ActiveHttpRule[], port: number, client: string): readonly ActiveHttpRule[] {
  const concerns = ({ rule }: ActiveHttpRule): boolean =>
    rule.port === port &&
    !(
      rule.side === 'server' &&
      rule.spared?.ports.includes(port) === true &&
      rule.spared.addresses.some((network) => isWithin(network, client))
    );
  return all.every(concerns) ? all : all.filter(concerns);
}
