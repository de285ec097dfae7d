/** Finding the end of a body in a stream of bytes, without keeping any of them. Pure. */
import type { Framing } from './head.ts';

type State =
  | { readonly at: 'end' }
  | { readonly at: 'data'; left: number; readonly chunked: boolean }
  /** In a chunk's first line, in the CRLF behind its data, or in the trailer. */
  | { readonly at: 'line'; readonly of: 'size' | 'data-end' | 'trailer'; line: string }
  | { readonly at: 'forever' }
  | { readonly at: 'broken' };

/** Longest line of chunk size with extensions, or of a trailer. */
const LONGEST_LINE = 8192;
const [CR, LF] = [13, 10];

/** One body. */
export class Body {
  #state: State;

  constructor(framing: Framing) {
    this.#state = beginningOf(framing);
  }

  get ended(): boolean {
    return this.#state.at === 'end';
  }

  /** The framing made no sense: where this body ends cannot be known any more. */
  get broken(): boolean {
    return this.#state.at === 'broken';
  }

  /** Goes on in `bytes` from `start`, and returns where the body ends in them, or their length. */
  take(bytes: Buffer, start: number): number {
    let at = start;
    while (at < bytes.length) {
      const state = this.#state;
      switch (state.at) {
        case 'end':
        case 'broken':
          return at;
        case 'forever':
          return bytes.length;
        case 'data': {
          const taken = Math.min(state.left, bytes.length - at);
          state.left -= taken;
          at += taken;
          if (state.left === 0) this.#state = state.chunked ? lineOf('data-end') : { at: 'end' };
          break;
        }
        case 'line':
          at = this.#takeLine(state, bytes, at);
          break;
      }
    }
    return at;
  }

  #takeLine(state: Extract<State, { at: 'line' }>, bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LF, at);
    state.line += bytes.toString('latin1', at, end < 0 ? bytes.length : end + 1);
    if (state.line.length > LONGEST_LINE) this.#state = { at: 'broken' };
    if (end < 0) return bytes.length;
    this.#state = afterLine(state.of, state.line);
    return end + 1;
  }
}

function beginningOf(framing: Framing): State {
  switch (framing.kind) {
    case 'none':
      return { at: 'end' };
    case 'length':
      return { at: 'data', left: framing.bytes, chunked: false };
    case 'chunked':
      return lineOf('size');
    case 'close':
      return { at: 'forever' };
  }
}

const lineOf = (of: 'size' | 'data-end' | 'trailer'): State => ({ at: 'line', of, line: '' });

/** A chunk's size in hexadecimal, and extensions, which are not in use. */
const CHUNK_SIZE = /^([0-9a-fA-F]{1,12})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?$/;

function afterLine(of: 'size' | 'data-end' | 'trailer', line: string): State {
  // A bare LF ends a line for some readers, and not for others.
  if (line.charCodeAt(line.length - 2) !== CR) return { at: 'broken' };
  const text = line.slice(0, -2);
  if (of === 'data-end') return text === '' ? lineOf('size') : { at: 'broken' };
  if (of === 'trailer') return text === '' ? { at: 'end' } : lineOf('trailer');
  const size = CHUNK_SIZE.exec(text)?.[1];
  if (size === undefined) return { at: 'broken' };
  const left = Number.parseInt(size, 16);
  return left === 0 ? lineOf('trailer') : { at: 'data', left, chunked: true };
}
