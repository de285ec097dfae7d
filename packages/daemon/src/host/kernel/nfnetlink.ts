/** Asking the kernel over a raw netlink socket of a namespace: nfnetlink for what libnftables cannot say, rtnetlink for links, sock_diag for sockets. */
import { closeSync } from 'node:fs';
import { bind, receive, send, sendOffThread, setSocketOption, socket } from './ffi.ts';
import { SystemError } from './libc.ts';
import { errnoOf, messagesIn, type Received } from './netlink.ts';
import type { NetnsHandle } from './netns.ts';

const [NETLINK_FAMILY, RAW, ROUTE, SOCK_DIAG, NETFILTER] = [16, 3, 0, 4, 12];
const [SOL_SOCKET, SO_SNDBUFFORCE] = [1, 32];

/** An nfnetlink socket inside the namespace. The caller owns the descriptor. */
export function openNfnetlink(netns: Pick<NetnsHandle, 'within'>): number {
  return openNetlink(netns, NETFILTER);
}

/** An rtnetlink socket inside the namespace. The caller owns the descriptor. */
export function openRtnetlink(netns: Pick<NetnsHandle, 'within'>): number {
  return openNetlink(netns, ROUTE);
}

/** A sock_diag socket inside the namespace. The caller owns the descriptor. */
export function openSockDiag(netns: Pick<NetnsHandle, 'within'>): number {
  return openNetlink(netns, SOCK_DIAG);
}

function openNetlink(netns: Pick<NetnsHandle, 'within'>, protocol: number): number {
  const fd = netns.within(() => socket(NETLINK_FAMILY, RAW, protocol));
  try {
    const anyAddress = Buffer.alloc(12);
    anyAddress.writeUInt16LE(NETLINK_FAMILY, 0);
    bind(fd, anyAddress);
    setSocketOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Sends messages as one datagram and reads the answers, which the kernel has queued when send(2) returns.
 * `onOther` gets what comes in between and is no answer; it must not keep the bytes.
 * @throws SystemError for the first that was refused.
 */
export function request(
  fd: number,
  what: string,
  messages: readonly Buffer[],
  onOther: (received: Received) => void = () => undefined,
): void {
  send(fd, Buffer.concat(messages));
  readAnswers(fd, what, onOther);
}

/** As `request`, with the kernel's work on another thread: taking a device away waits for a grace period. */
export async function requestOffThread(fd: number, what: string, messages: readonly Buffer[]): Promise<void> {
  await sendOffThread(fd, Buffer.concat(messages));
  readAnswers(fd, what, () => undefined);
}

function readAnswers(fd: number, what: string, onOther: (received: Received) => void): void {
  // Packets of a queue may come in between, whole.
  const buffer = Buffer.allocUnsafe((1 << 16) + 4096);
  let refused = 0;
  for (let length = receive(fd, buffer); length !== undefined; length = receive(fd, buffer)) {
    for (const received of messagesIn(buffer.subarray(0, length))) {
      const errno = errnoOf(received);
      if (errno === undefined) onOther(received);
      else refused ||= errno;
    }
  }
  if (refused !== 0) throw new SystemError(what, refused);
}
