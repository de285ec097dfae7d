/** Messages in a TCP stream: two bytes of length before each (RFC 1035, 4.2.2). Pure. */

/** Cuts a stream into messages. */
export class MessageStream {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that are complete now, each with its two bytes of length. */
  feed(chunk: Buffer): Buffer[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0);
      messages.push(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return messages;
  }
}

/** A message as the stream carries it. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
