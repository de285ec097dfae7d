/** Building and reading netlink messages, as bytes. */

/** One attribute: its header, the value, and padding to four bytes. */
export function attribute(type: number, value: Buffer): Buffer {
  const data = Buffer.alloc((4 + value.length + 3) & ~3);
  data.writeUInt16LE(4 + value.length, 0);
  data.writeUInt16LE(type, 2);
  value.copy(data, 4);
  return data;
}

/** An attribute that consists of attributes. */
export function nested(type: number, ...attributes: readonly Buffer[]): Buffer {
  const nestedFlag = 0x8000;
  return attribute(type | nestedFlag, Buffer.concat(attributes));
}

/** A 32-bit number in network byte order. */
export function number32(value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeUInt32BE(value >>> 0);
  return data;
}

/** A string with its terminating zero. */
export function zeroTerminated(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** What a message is about: subsystem and number, flags, family, and the subsystem's own id (a queue, for example). */
export interface MessageHead {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly family: number;
  readonly resource: number;
}

/** NLM_F_REQUEST of netlink(7). */
export const REQUEST = 0x1;
/** NLM_F_ACK: the kernel answers even when all is well. */
export const ACKNOWLEDGE = 0x4;
/** NLM_F_DUMP: everything there is. */
export const DUMP = 0x300;
/** NLM_F_CREATE. */
export const CREATE = 0x400;
/** NLM_F_EXCL: what exists is an error. */
export const EXCLUSIVE = 0x200;
/** NLM_F_APPEND. */
export const APPEND = 0x800;

/** A whole message of the nfnetlink kind: nlmsghdr, nfgenmsg, attributes. */
export function message(head: MessageHead, ...attributes: readonly Buffer[]): Buffer {
  const family = Buffer.alloc(4);
  family.writeUInt8(head.family, 0);
  family.writeUInt16BE(head.resource, 2);
  return plainMessage(head, family, ...attributes);
}

/** A whole message of any kind: nlmsghdr, then what that kind has. */
export function plainMessage(
  head: Pick<MessageHead, 'type' | 'flags' | 'sequence'>,
  ...body: readonly Buffer[]
): Buffer {
  const data = Buffer.concat([Buffer.alloc(16), ...body]);
  data.writeUInt32LE(data.length, 0);
  data.writeUInt16LE(head.type, 4);
  data.writeUInt16LE(head.flags, 6);
  data.writeUInt32LE(head.sequence, 8);
  return data;
}

/** One received message, as a view into the datagram. */
export interface Received {
  readonly type: number;
  readonly sequence: number;
  /** What follows the nlmsghdr. */
  readonly body: Buffer;
}

/** The messages of one datagram. What is cut short is left out. */
export function messagesIn(datagram: Buffer): Received[] {
  const found: Received[] = [];
  for (let at = 0; at + 16 <= datagram.length;) {
    const length = datagram.readUInt32LE(at);
    if (length < 16 || at + length > datagram.length) break;
    const type = datagram.readUInt16LE(at + 4);
    found.push({ type, sequence: datagram.readUInt32LE(at + 8), body: datagram.subarray(at + 16, at + length) });
    at += (length + 3) & ~3;
  }
  return found;
}

/** The attributes that begin at `offset` of a message's body, by type; without the nested flag. */
export function attributesIn(body: Buffer, offset: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = offset; at + 4 <= body.length;) {
    const length = body.readUInt16LE(at);
    if (length < 4 || at + length > body.length) break;
    found.set(body.readUInt16LE(at + 2) & 0x3fff, body.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/** The values of the attributes in a list of attributes, whose types say nothing. */
export function attributeList(body: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= body.length;) {
    const length = body.readUInt16LE(at);
    if (length < 4 || at + length > body.length) break;
    found.push(body.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/** NLMSG_ERROR: the errno of the answer, 0 for an acknowledgement; undefined for another kind of message. */
export function errnoOf({ type, body }: Received): number | undefined {
  const [errorType, doneType] = [2, 3];
  const code = body.length >= 4 ? body.readInt32LE(0) : 0;
  // A list that breaks off ends with its error, as if it were done.
  if (type === doneType) return code < 0 ? -code : undefined;
  return type === errorType && body.length >= 4 ? Math.abs(code) : undefined;
}
