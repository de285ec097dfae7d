/** The connections of a proxy: the destination that a client meant, and the way there, from the client's own address or ours. */
import { closeSync } from 'node:fs';
import { isIPv6, Socket } from 'node:net';
import { TRANSPARENT, UPSTREAM } from '../../proxy/names.ts';
import { bind, connect, setSocketOption, socket, socketOption } from '../kernel/ffi.ts';
import { SystemError } from '../kernel/libc.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { socketAddress, tcpConnect } from '../kernel/sockets.ts';

/** An address and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const [AF_INET, AF_INET6, STREAM, NON_BLOCKING] = [2, 10, 1, 0o4000];
const [SOL_SOCKET, SO_REUSEADDR, SO_MARK] = [1, 2, 36];
const [SOL_IP, IP_TRANSPARENT, SOL_IPV6, IPV6_TRANSPARENT, ORIGINAL_DESTINATION] = [0, 19, 41, 75, 80];

/**
 * Where the client wanted to go before the redirect; see SO_ORIGINAL_DST in netfilter's headers.
 * undefined when it was not redirected, but came to the proxy's own port.
 */
export function originalDestination(front: Socket): Endpoint | undefined {
  // Node has no public way to a socket's descriptor.
  const fd = (front as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  const six = front.remoteFamily === 'IPv6';
  let found: Endpoint;
  try {
    const data = socketOption(fd, six ? SOL_IPV6 : SOL_IP, ORIGINAL_DESTINATION, six ? 28 : 16);
    found = { address: six ? sixIn(data) : [...data.subarray(4, 8)].join('.'), port: data.readUInt16BE(2) };
  } catch {
    return undefined;
  }
  return found.port === front.localPort ? undefined : found;
}

function sixIn(data: Buffer): string {
  return Array.from({ length: 8 }, (_, index) => data.readUInt16BE(8 + 2 * index).toString(16)).join(':');
}

/** Connects as the daemon itself: for requests that the pod makes, from the pod's own address. */
export function connectPlainly(netns: NetnsHandle, to: Endpoint): Socket {
  return socketOf(tcpConnect(netns, { ...to, mark: UPSTREAM }));
}

/**
 * Connects from the client's very address and port, so that the application sees who asks. Its connection to us has other
 * addresses behind the redirect, and conntrack knows the two apart by their zone, so they cannot clash.
 * When that port still lingers from a connection before, another one is taken; when the address cannot be had (link-local),
 * the pod's own.
 */
export function connectAsClient(netns: NetnsHandle, to: Endpoint, client: Endpoint): Socket {
  for (const port of [client.port, 0]) {
    try {
      return socketOf(transparentConnect(netns, to, { address: client.address, port }));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }
  return connectPlainly(netns, to);
}

function transparentConnect(netns: NetnsHandle, to: Endpoint, from: Endpoint): number {
  const six = isIPv6(to.address);
  const fd = netns.within(() => socket(six ? AF_INET6 : AF_INET, STREAM | NON_BLOCKING, 0));
  try {
    if (six) setSocketOption(fd, SOL_IPV6, IPV6_TRANSPARENT, 1);
    else setSocketOption(fd, SOL_IP, IP_TRANSPARENT, 1);
    setSocketOption(fd, SOL_SOCKET, SO_MARK, TRANSPARENT);
    setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    bind(fd, socketAddress(from));
    connect(fd, socketAddress(to));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function socketOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
}
