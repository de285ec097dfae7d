/** Reading a DNS query, and writing the failure that answers it (RFC 1035, RFC 6891). Pure. */
import { decode, type Packet } from 'dns-packet';
import type { DnsAnswer } from '../../model/proxy-rule.ts';

/** One question that was understood. */
export interface Query {
  /** Without a dot at the end; in the case it was written in. */
  readonly name: string;
  /** For example A or AAAA. */
  readonly type: string;
  /** Where the question ends in the message. */
  readonly end: number;
  /** It speaks EDNS, so that its answer has to, too. */
  readonly edns: boolean;
}

const HEADER_BYTES = 12;
const [RESPONSE, OPCODE, RECURSION_DESIRED, RECURSION_AVAILABLE] = [0x8000, 0x7800, 0x0100, 0x0080];
const CODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

/** The query in `message`; undefined for anything but a standard query with one question, which the proxy passes on unread. */
export function readQuery(message: Buffer): Query | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  if ((message.readUInt16BE(2) & (RESPONSE | OPCODE)) !== 0 || message.readUInt16BE(4) !== 1) return undefined;
  const end = questionEnd(message);
  if (end === undefined) return undefined;
  let packet: Packet;
  try {
    packet = decode(message);
  } catch {
    return undefined;
  }
  const [question] = packet.questions ?? [];
  if (question === undefined) return undefined;
  const edns = (packet.additionals ?? []).some((record) => record.type === 'OPT');
  return { name: question.name.replace(/\.$/, ''), type: question.type, end, edns };
}

/** Behind the labels, type and class. The labels of a question are never compressed: nothing is before them. */
function questionEnd(message: Buffer): number | undefined {
  let at = HEADER_BYTES;
  for (let length = message[at]; length !== 0; length = message[at]) {
    if (length === undefined || length > 63) return undefined;
    at += 1 + length;
  }
  const end = at + 5;
  return end <= message.length ? end : undefined;
}

/** The message that says no, with the question as it was asked; undefined for silence. */
export function failureOf(message: Buffer, { end, edns }: Query, answer: DnsAnswer): Buffer | undefined {
  if (answer === 'timeout') return undefined;
  // The question byte for byte: resolvers compare it, some with letters in chance case.
  const failure = Buffer.from(message.subarray(0, end));
  const asked = message.readUInt16BE(2) & RECURSION_DESIRED;
  failure.writeUInt16BE(RESPONSE | asked | RECURSION_AVAILABLE | CODES[answer], 2);
  const records = edns ? [OPT] : [];
  [1, 0, 0, records.length].forEach((count, index) => failure.writeUInt16BE(count, 4 + 2 * index));
  return Buffer.concat([failure, ...records]);
}

/** An OPT record: root name, type 41, 1232 bytes of UDP at most, no flags, no options. */
const OPT = Buffer.from('00002904d0000000000000', 'hex');
