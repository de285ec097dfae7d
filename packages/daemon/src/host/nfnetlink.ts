/** Asking the kernel over a raw nfnetlink socket of a namespace, for what libnftables cannot say. */
import { closeSync } from 'node:fs';
import { bind, receive, send, setSocketOption, socket, SystemError } from './ffi.ts';
import { errnoOf, messagesIn, type Received } from './netlink.ts';
import type { NetnsHandle } from './netns.ts';

const [NETLINK_FAMILY, RAW, NETFILTER] = [16, 3, 12];
const [SOL_SOCKET, SO_SNDBUFFORCE] = [1, 32];

/** An nfnetlink socket inside the namespace. The caller owns the descriptor. */
export function openNfnetlink(netns: Pick<NetnsHandle, 'within'>): number {
  const fd = netns.within(() => socket(NETLINK_FAMILY, RAW, NETFILTER));
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
  const buffer = Buffer.alloc(1 << 16);
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
