/** The DNS proxy in front of one resolver of one namespace: some queries fail, all others are forwarded as they are. */
import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { createSocket, type RemoteInfo } from 'node:dgram';
import type { Clock } from '@chaosplane/common';
import { UPSTREAM } from '../../proxy/names.ts';
import { decideDns, type ActiveDnsRule } from '../../proxy/dns/decide.ts';
import { framed, MessageStream } from '../../proxy/dns/stream.ts';
import { tcpConnect, tcpListener, udpSocket } from '../kernel/sockets.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { createQueries, DNS_PORT } from './dns-queries.ts';

/** A proxy that listens. */
export interface DnsProxy {
  readonly udp: number;
  readonly tcp: number;
  /** The rules that are asked from now on; with none, everything is forwarded. */
  rules: readonly ActiveDnsRule[];
  /** Queries and connections under way. */
  readonly open: number;
  /** Called whenever `open` becomes more. */
  onMore: () => void;
  /** Called whenever `open` becomes less. */
  onLess: () => void;
  close(): void;
}

/** What a proxy needs. */
export interface DnsProxyOptions {
  readonly netns: NetnsHandle;
  /** The resolver's address. */
  readonly resolver: string;
  readonly clock: Clock;
}

const MOST_CONNECTIONS = 1024;

/**
 * Listens on the loopback address, because that is where a redirect in the output hook leads: the answer must come from
 * there, or conntrack does not give it the resolver's address back. One proxy is in front of one resolver, because a
 * redirected datagram no longer tells its original destination.
 */
export async function openDnsProxy({ netns, resolver, clock }: DnsProxyOptions): Promise<DnsProxy> {
  const six = resolver.includes(':');
  const at = { address: six ? '::1' : '127.0.0.1', port: 0 };
  const front = createSocket({ type: six ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
  const queries = createQueries({ netns, resolver, clock });
  const connections = new Set<Socket>();
  let server: Server | undefined;
  const proxy: DnsProxy = {
    udp: 0,
    tcp: 0,
    rules: [],
    get open() {
      return queries.waiting + connections.size;
    },
    onMore: () => undefined,
    onLess: () => undefined,
    close() {
      front.close();
      server?.close();
      queries.close();
      for (const socket of connections) socket.destroy();
      connections.clear();
    },
  };

  const reply = (answer: Uint8Array, { port, address }: RemoteInfo): void =>
    front.send(answer, port, address, () => undefined);
  front.on('error', () => undefined);
  front.on('message', (message, from) => {
    const decision = decideDns(proxy.rules, message, clock.random);
    if (decision.kind === 'forward') {
      if (message.length >= 2) queries.forward(message, (answer) => reply(answer, from), proxy);
    } else if (decision.message !== undefined) reply(decision.message, from);
  });

  try {
    const { promise: bound, resolve, reject } = Promise.withResolvers<undefined>();
    front.once('error', reject);
    front.bind({ fd: udpSocket(netns, at) }, () => resolve(undefined));
    await bound;
    const udp = front.address().port;
    server = createServer({ allowHalfOpen: true }, (socket) => {
      if (connections.size >= MOST_CONNECTIONS) return void socket.destroy();
      connections.add(socket);
      proxy.onMore();
      socket.once('close', () => {
        connections.delete(socket);
        proxy.onLess();
      });
      serveStream(
        socket,
        () => connectTo(netns, resolver),
        () => proxy.rules,
        clock,
      );
    });
    await listen(server, tcpListener(netns, at));
    // What cannot be accepted for want of descriptors is tried again by its client.
    server.on('error', () => undefined);
    Object.assign(proxy, { udp, tcp: (server.address() as AddressInfo).port });
    return proxy;
  } catch (error) {
    proxy.close();
    throw error;
  }
}

function connectTo(netns: NetnsHandle, resolver: string): Socket {
  return new Socket({
    fd: tcpConnect(netns, { address: resolver, port: DNS_PORT, mark: UPSTREAM }),
    readable: true,
    writable: true,
    allowHalfOpen: true,
  });
}

async function listen(server: Server, fd: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen({ fd }, () => resolve(undefined));
  await promise;
}

/** Queries over one TCP connection. The resolver is asked over another, which is opened when the first query needs it. */
function serveStream(front: Socket, connect: () => Socket, rules: () => readonly ActiveDnsRule[], clock: Clock): void {
  const stream = new MessageStream();
  let back: Socket | undefined;
  const upstream = (): Socket => {
    if (back !== undefined) return back;
    const opened = connect();
    back = opened;
    opened.on('error', () => front.resetAndDestroy());
    opened.on('close', () => front.end());
    opened.on('data', (chunk) => {
      if (!front.write(chunk)) opened.pause();
    });
    front.on('drain', () => opened.resume());
    opened.on('drain', () => front.resume());
    return opened;
  };
  front.on('error', () => back?.destroy());
  front.on('close', () => back?.destroy());
  front.on('end', () => (back === undefined ? front.end() : back.end()));
  front.on('data', (chunk) => {
    for (const message of stream.feed(chunk)) {
      const decision = decideDns(rules(), message.subarray(2), clock.random);
      if (decision.kind === 'forward') {
        try {
          if (!upstream().write(message)) front.pause();
        } catch {
          front.resetAndDestroy();
          return;
        }
      } else if (decision.message !== undefined) front.write(framed(decision.message));
    }
  });
}
