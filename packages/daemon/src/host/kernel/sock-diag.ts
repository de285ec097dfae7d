/** TCP connections of a namespace that wait to send again, asked of the kernel over netlink; see sock_diag(7). */
import { closeSync } from 'node:fs';
import type { WaitingConnections } from '../../contract/host.ts';
import { textOf } from './links.ts';
import { attributesIn, DUMP, plainMessage, REQUEST, type Received } from './netlink.ts';
import type { NetnsHandle } from './netns.ts';
import { openSockDiag, request } from './nfnetlink.ts';

/** linux/sock_diag.h, linux/inet_diag.h. */
const BY_FAMILY = 20;
const [AF_INET, AF_INET6, TCP] = [2, 10, 6];
/** struct inet_diag_req_v2, struct inet_diag_msg. */
const [QUESTION_LENGTH, ANSWER_LENGTH] = [56, 72];
/** Every state that has something to send: established, connecting, closing; as bits of net/tcp_states.h. */
const SENDING = [1, 2, 4, 8, 9, 11].reduce((bits, state) => bits | (1 << state), 0);
/** What the timer of a socket is for: a retransmission; asking whether a window is open, or a full device has room, again. */
const [RETRANSMIT, PROBE] = [1, 4];
const ESTABLISHED = 1;
/** INET_DIAG_MARK, which the kernel tells to processes with CAP_NET_ADMIN. */
const MARK = 15;
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/** A TCP connection, as the namespace of its socket sees it. */
export interface Connection {
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  /** SO_MARK of socket(7); 0 where the kernel does not tell. */
  readonly mark: number;
}

/** Counts them. @throws SystemError where the kernel has no INET_DIAG. */
export function waitingConnections(netns: Pick<NetnsHandle, 'within'>): WaitingConnections {
  let [count, longestMs] = [0, 0];
  eachConnection(netns, SENDING, (received) => {
    const retryMs = retryIn(received);
    if (retryMs === undefined) return;
    count++;
    longestMs = Math.max(longestMs, retryMs);
  });
  return { count, longestMs };
}

/** The TCP connections of a namespace that are established. @throws SystemError where the kernel has no INET_DIAG. */
export function establishedConnections(netns: Pick<NetnsHandle, 'within'>): Connection[] {
  const found: Connection[] = [];
  eachConnection(netns, 1 << ESTABLISHED, (received) => {
    const connection = connectionIn(received);
    if (connection !== undefined) found.push(connection);
  });
  return found;
}

function eachConnection(
  netns: Pick<NetnsHandle, 'within'>,
  states: number,
  onSocket: (received: Received) => void,
): void {
  const fd = openSockDiag(netns);
  try {
    for (const family of [AF_INET, AF_INET6]) {
      const question = Buffer.alloc(QUESTION_LENGTH);
      question.writeUInt8(family, 0);
      question.writeUInt8(TCP, 1);
      question.writeUInt32LE(states, 4);
      const message = plainMessage({ type: BY_FAMILY, flags: REQUEST | DUMP, sequence: family }, question);
      request(fd, 'listing TCP connections', [message], onSocket);
    }
  } finally {
    closeSync(fd);
  }
}

/** The socket that a message is about; undefined when it is about none. */
function connectionIn({ type, body }: Received): Connection | undefined {
  if (type !== BY_FAMILY || body.length < ANSWER_LENGTH) return undefined;
  const mark = attributesIn(body, ANSWER_LENGTH).get(MARK);
  const end = (port: number, address: number): Connection['local'] => ({
    address: addressIn(body.subarray(address, address + 16), body.readUInt8(0)),
    port: body.readUInt16BE(port),
  });
  return { local: end(4, 8), remote: end(6, 24), mark: mark?.readUInt32LE() ?? 0 };
}

/** A socket of IPv6 that carries a connection of IPv4 says so as `::ffff:a.b.c.d`. */
function addressIn(bytes: Buffer, family: number): string {
  if (family === AF_INET) return bytes.subarray(0, 4).join('.');
  if (bytes.subarray(0, 12).equals(MAPPED)) return bytes.subarray(12).join('.');
  return textOf(bytes);
}

/** In how many milliseconds the socket that a message is about sends again; undefined for one that has no reason to. */
export function retryIn({ type, body }: Received): number | undefined {
  if (type !== BY_FAMILY || body.length < ANSWER_LENGTH) return undefined;
  const [timer, retries] = [body.readUInt8(2), body.readUInt8(3)];
  // With nothing sent again yet, the answer is on its way as always.
  if ((timer !== RETRANSMIT && timer !== PROBE) || retries === 0) return undefined;
  return body.readUInt32LE(52);
}
