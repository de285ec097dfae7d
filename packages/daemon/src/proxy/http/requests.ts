/** Cuts what a client sends into requests. What cannot be read for certain is passed on as it is, from there to the end. Pure. */
import { Body } from './body.ts';
import { mayBeRequestLine, parseRequestHead, type RequestHead } from './head.ts';

/** Bytes that go on together. */
export interface Piece {
  readonly bytes: Buffer;
  /** The request that begins with these bytes; its head is all there. */
  readonly begins?: RequestHead;
  /** The request ends with these bytes. */
  readonly ends: boolean;
}

/** A head that is longer is passed on unread. */
const LONGEST_HEAD = 64 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const [CR, LF] = [13, 10];

/** The requests of one connection. */
export class RequestStream {
  /** The beginning of a head that is not all there. */
  #partial: Buffer | undefined;
  #body: Body | undefined;
  #opaque = false;

  /** Nothing can be said any more about what passes. */
  get opaque(): boolean {
    return this.#opaque;
  }

  /** Part of a head is held back until the rest comes. */
  get holding(): boolean {
    return this.#partial !== undefined;
  }

  /** Gives up reading. Returns what was held back. */
  giveUp(): Buffer | undefined {
    this.#opaque = true;
    const held = this.#partial;
    this.#partial = undefined;
    return held;
  }

  feed(chunk: Buffer): Piece[] {
    if (this.#opaque) return [{ bytes: chunk, ends: false }];
    const bytes = this.#partial === undefined ? chunk : Buffer.concat([this.#partial, chunk]);
    this.#partial = undefined;
    const pieces: Piece[] = [];
    let at = 0;
    while (at < bytes.length) {
      const start = at;
      let begins: RequestHead | undefined;
      if (this.#body === undefined) {
        const end = headEnd(bytes, at);
        if (end === 'more') {
          this.#partial = bytes.subarray(at);
          return pieces;
        }
        begins = end === 'unreadable' ? undefined : parseRequestHead(bytes.toString('latin1', at, end));
        if (begins === undefined || end === 'unreadable') return this.#passRest(pieces, bytes, at);
        this.#body = new Body(begins.framing);
        at = end;
      }
      at = this.#body.take(bytes, at);
      if (this.#body.broken) return this.#passRest(pieces, bytes, start);
      const ends = this.#body.ended;
      if (ends) this.#body = undefined;
      pieces.push({ bytes: bytes.subarray(start, at), ends, ...(begins === undefined ? {} : { begins }) });
    }
    return pieces;
  }

  #passRest(pieces: Piece[], bytes: Buffer, from: number): Piece[] {
    this.#opaque = true;
    pieces.push({ bytes: bytes.subarray(from), ends: false });
    return pieces;
  }
}

/** Where the head that begins at `from` ends. What can never become one is told as early as its first bytes. */
function headEnd(bytes: Buffer, from: number): number | 'more' | 'unreadable' {
  const end = bytes.indexOf(HEAD_END, from);
  if (end >= 0 && end - from < LONGEST_HEAD) return end + HEAD_END.length;
  if (bytes.length - from >= LONGEST_HEAD || hasBareLineFeed(bytes, from)) return 'unreadable';
  const line = bytes.indexOf(LF, from);
  const first = bytes.toString('latin1', from, line < 0 ? bytes.length : line + 1);
  return mayBeRequestLine(first) ? 'more' : 'unreadable';
}

function hasBareLineFeed(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (at === from || bytes[at - 1] !== CR) return true;
  }
  return false;
}
