/** Sockets opened inside a network namespace, as descriptors that dgram and net accept. */
import { closeSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { bind, connect, listen, setSocketOption, socket, socketName } from './ffi.ts';
import { SystemError } from './libc.ts';
import type { NetnsHandle } from './netns.ts';

const [AF_INET, AF_INET6, STREAM, DATAGRAM, NON_BLOCKING] = [2, 10, 1, 2, 0o4000];
const [SOL_SOCKET, SO_REUSEADDR, SO_MARK] = [1, 2, 36];

/** Where a socket is bound or connected to. */
export interface SocketAddress {
  /** IPv4 or IPv6, without a zone. */
  readonly address: string;
  /** 0 when bound: any free one. */
  readonly port: number;
  /** SO_MARK of what it sends. */
  readonly mark?: number;
}

/** A bound UDP socket. The caller owns the descriptor. */
export function udpSocket(netns: NetnsHandle, at: SocketAddress): number {
  return open(netns, DATAGRAM, at, (fd) => bind(fd, socketAddress(at)));
}

/** A listening TCP socket. The caller owns the descriptor. */
export function tcpListener(netns: NetnsHandle, at: SocketAddress): number {
  return open(netns, STREAM, at, (fd) => {
    setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    bind(fd, socketAddress(at));
    listen(fd, 4096);
  });
}

/** A TCP socket that is connecting. The caller owns the descriptor. */
export function tcpConnect(netns: NetnsHandle, to: SocketAddress): number {
  return open(netns, STREAM, to, (fd) => connect(fd, socketAddress(to)));
}

/**
 * The address that the kernel chooses for connections from the namespace to `address`; undefined when none leads there.
 * Connecting a datagram socket looks the route up and sends nothing.
 */
export function sourceTowards(netns: NetnsHandle, address: string): string | undefined {
  const to = { address, port: 9 };
  let fd: number;
  try {
    fd = open(netns, DATAGRAM, to, (opened) => connect(opened, socketAddress(to)));
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
  try {
    return addressIn(socketName(fd));
  } finally {
    closeSync(fd);
  }
}

/** The address in a sockaddr_in or sockaddr_in6. */
function addressIn(data: Buffer): string {
  if (data.readUInt16LE(0) === AF_INET) return [...data.subarray(4, 8)].join('.');
  return Array.from({ length: 8 }, (_, index) => data.readUInt16BE(8 + 2 * index).toString(16)).join(':');
}

function open(netns: NetnsHandle, type: number, at: SocketAddress, prepare: (fd: number) => void): number {
  const family = isIPv6(at.address) ? AF_INET6 : AF_INET;
  const fd = netns.within(() => socket(family, type | NON_BLOCKING, 0));
  try {
    if (at.mark !== undefined) setSocketOption(fd, SOL_SOCKET, SO_MARK, at.mark);
    prepare(fd);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A sockaddr_in or sockaddr_in6, as bind(2) takes it. */
export function socketAddress({ address, port }: SocketAddress): Buffer {
  const six = isIPv6(address);
  const data = Buffer.alloc(six ? 28 : 16);
  data.writeUInt16LE(six ? AF_INET6 : AF_INET, 0);
  data.writeUInt16BE(port, 2);
  if (!six) {
    address.split('.').forEach((part, index) => data.writeUInt8(Number(part), 4 + index));
    return data;
  }
  groupsOf(address).forEach((group, index) => data.writeUInt16BE(group, 8 + 2 * index));
  return data;
}

/** The eight 16-bit groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) =>
    [(Number(a) << 8) | Number(b), (Number(c) << 8) | Number(d)].map((group) => group.toString(16)).join(':'),
  );
  const [head = '', tail] = hex.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [parse(head), parse(tail ?? '')];
  return tail === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
