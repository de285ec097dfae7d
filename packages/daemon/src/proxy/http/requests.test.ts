/** Reading HTTP/1: what is a request, where it ends, and what is left alone. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRequestHead } from './head.ts';
import { ownResponse } from './own-response.ts';
import { RequestStream } from './requests.ts';
import { ResponseStream } from './responses.ts';

/** What the stream makes of bytes that come in these chunks. */
function read(chunks: readonly Buffer[]): { requests: string[]; bytes: string; opaque: boolean } {
  const stream = new RequestStream();
  const pieces = chunks.flatMap((chunk) => stream.feed(chunk));
  const held = stream.giveUp() ?? Buffer.alloc(0);
  const opaque = chunks.length > 0 && stream.opaque && held.length === 0;
  return {
    requests: pieces.flatMap(({ begins }) => (begins === undefined ? [] : [`${begins.method} ${begins.path}`])),
    bytes: Buffer.concat([...pieces.map((piece) => piece.bytes), held]).toString('latin1'),
    opaque,
  };
}

const requests = [
  'GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /',
  'PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nGET /\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n',
  'OPTIONS * HTTP/1.0\r\n\r\n',
  'GET http://host:1/d#e HTTP/1.1\r\n\r\n',
];

/** Cuts a text at the given places. */
function cut(text: string, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return at.slice(1).map((end, index) => Buffer.from(text.slice(at[index], end), 'latin1'));
}

describe('requests', () => {
  test('are found wherever the stream is cut, and no byte is changed', () => {
    const text = requests.join('');
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
        const found = read(cut(text, places));
        expect(found.requests).toEqual(['GET /a', 'POST /b', 'PUT /c', 'OPTIONS *', 'GET /d']);
        expect(found.bytes).toBe(text);
      }),
    );
  });

  test('or anything else, comes out byte for byte', () => {
    const part = fc.oneof(fc.constantFrom(...requests, '\r\n\r\n', 'GET / HTTP/1.1\r\n', '\0'), fc.string());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 6 }), (parts, places) => {
        const text = Buffer.from(parts.join('')).toString('latin1');
        expect(read(cut(text, places)).bytes).toBe(text);
      }),
    );
  });

  test.each([
    ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'],
    ['a length and chunks', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a list as a length', 'POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n'],
    ['a signed length', 'POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n'],
    ['two codings', 'POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nContent-Length : 1\r\n\r\n'],
    ['a folded line', 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n'],
    ['a bare line feed', 'GET / HTTP/1.1\r\nA: b\nContent-Length: 5\r\n\r\n'],
    ['a bare carriage return', 'GET / HTTP/1.1\r\nA: b\rc\r\n\r\n'],
    ['no version', 'GET /\r\n\r\n'],
    ['another version', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS greeting', '\x16\x03\x01\x02'],
    ['a chunk without a size', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
    ['a chunk that ends in a bare line feed', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n'],
    ['a chunk that is longer than it says', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n'],
    ['an endless head', `GET / HTTP/1.1\r\nA: ${'b'.repeat(70_000)}`],
  ])('that could be read in two ways are not read: %s', (_, text) => {
    const found = read([Buffer.from(text, 'latin1')]);
    expect(found).toMatchObject({ opaque: true, bytes: text });
  });

  test.each([
    ['before an end that is none', `A: ${' '.repeat(60_000)}\x01`],
    ['in the middle of a value', `A: x${' \t'.repeat(30_000)}y`],
  ])('with a run of spaces %s are read about as quickly as others', (_, line) => {
    const took = (of: string): number => {
      const started = performance.now();
      read([Buffer.from(`GET / HTTP/1.1\r\n${of}\r\n\r\n`, 'latin1')]);
      return performance.now() - started;
    };
    const usual = Math.max(1, took(`A: ${'x'.repeat(line.length)}`));
    // To look at each space again for each space took hours.
    expect(took(line)).toBeLessThan(500 * usual);
  });

  test('lose the spaces and tabs around their values, and nothing else', () => {
    expect(parseRequestHead('GET / HTTP/1.1\r\nA: \t b\xa0 c \t\r\nB:\t\r\n\r\n')?.headers).toEqual([
      ['a', 'b\xa0 c'],
      ['b', ''],
    ]);
  });
});

describe('responses', () => {
  const outstanding = (methods: readonly string[], ...chunks: string[]): string => {
    const stream = new ResponseStream();
    for (const method of methods) stream.ask(method);
    for (const chunk of chunks) stream.feed(Buffer.from(chunk, 'latin1'));
    return `${stream.outstanding} ${stream.state}`;
  };

  test.each([
    ['a length', ['GET'], ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na', 'bc'], '0 reading'],
    ['a length that is not all there', ['GET'], ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na'], '1 reading'],
    ['chunks', ['GET'], ['HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0', '\r\n\r\n'], '0 reading'],
    ['a go-ahead before it', ['PUT'], ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 204 No\r\n\r\n'], '0 reading'],
    ['no body, for HEAD', ['HEAD', 'GET'], ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n'], '1 reading'],
    ['no body, for 304', ['GET'], ['HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n'], '0 reading'],
    ['the end of the connection as its end', ['GET'], ['HTTP/1.1 200 OK\r\n\r\nabc'], '1 reading'],
    ['another protocol', ['GET'], ['HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\0'], '1 changed'],
    ['a tunnel', ['CONNECT'], ['HTTP/1.1 200 OK\r\n\r\n\0'], '1 changed'],
    ['words before any request', [], ['220 mail\r\n'], '0 lost'],
    ['nothing that is HTTP', ['GET'], ['+OK\r\n\r\n'], '1 lost'],
  ])('are followed to their end: %s', (_, methods, chunks, expected) => {
    expect(outstanding(methods, ...chunks)).toBe(expected);
  });

  test('of our own can be read like any other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), fc.constantFrom('GET', 'HEAD'), (status, method) => {
        expect(outstanding([method], ownResponse(status, { method, last: false }))).toBe('0 reading');
      }),
    );
  });
});
