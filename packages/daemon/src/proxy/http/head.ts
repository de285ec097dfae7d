/** Reading the head of an HTTP/1 message (RFC 9112), so strictly that no server could read it in another way. Pure. */

/** How the end of a body is found. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** It ends with the connection. */
  | { readonly kind: 'close' };

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  /** Without scheme, host and query. */
  readonly path: string;
  /** In the order they came; names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly framing: Framing;
  /** What follows may be no HTTP, if the answer agrees: an upgrade, or CONNECT. */
  readonly mayChangeProtocol: boolean;
  /** The sender waits for a go-ahead before it sends the body. */
  readonly expectsContinue: boolean;
  /** The sender wants no other request on this connection. */
  readonly last: boolean;
}

/** The head of a response. */
export interface ResponseHead {
  readonly status: number;
  readonly framing: Framing;
  /** 1xx but 101: another head follows for the same request. */
  readonly interim: boolean;
  /** From here on it is no HTTP any more. */
  readonly changesProtocol: boolean;
}

/** Lower-case methods exist by the letter of the RFC, and in no program; many other protocols begin with such letters. */
const REQUEST_LINE = /^([A-Z][A-Z_-]{0,31}) ([^\x00-\x20\x7f]+) HTTP\/1\.([01])$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\x00-\x08\x0a-\x1f\x7f]*)?$/;
/** What is around a value is trimmed apart: a pattern that does it tries each run of spaces again and again, for hours. */
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)$/;

/** Whether `text`, a first line or the beginning of one, may become a request line. */
export function mayBeRequestLine(text: string): boolean {
  return text.endsWith('\r\n')
    ? REQUEST_LINE.test(text.slice(0, -2))
    : /^[A-Z][A-Z_-]{0,31}(?: [^\x00-\x20\x7f]*(?: [HTP/1.0]{0,8}\r?)?)?$/.test(text);
}

/** The head in `text`, which ends with its empty line; undefined when it can be read in more than one way, or in none. */
export function parseRequestHead(text: string): RequestHead | undefined {
  const [first = '', ...lines] = text.slice(0, -4).split('\r\n');
  const [, method, target, minor] = REQUEST_LINE.exec(first) ?? [];
  const headers = parseHeaders(lines);
  if (method === undefined || target === undefined || headers === undefined) return undefined;
  const framing = framingOf(headers, { kind: 'none' });
  if (framing === undefined || framing.kind === 'close') return undefined;
  // A chunked body in HTTP/1.0 is read differently by different programs.
  if (minor === '0' && framing.kind === 'chunked') return undefined;
  const connection = tokens(headers, 'connection');
  return {
    method,
    path: pathOf(target),
    headers,
    framing,
    mayChangeProtocol: method === 'CONNECT' || (connection.includes('upgrade') && has(headers, 'upgrade')),
    expectsContinue: tokens(headers, 'expect').includes('100-continue'),
    last: connection.includes('close') || (minor === '0' && !connection.includes('keep-alive')),
  };
}

/** The head of the response to a request with this method; undefined as above. */
export function parseResponseHead(text: string, method: string): ResponseHead | undefined {
  const [first = '', ...lines] = text.slice(0, -4).split('\r\n');
  const [, minor, code] = STATUS_LINE.exec(first) ?? [];
  const headers = parseHeaders(lines);
  if (code === undefined || headers === undefined) return undefined;
  const status = Number(code);
  const changesProtocol = status === 101 || (method === 'CONNECT' && status < 300 && status >= 200);
  const interim = status < 200 && !changesProtocol;
  const bodiless = status < 200 || status === 204 || status === 304 || method === 'HEAD' || changesProtocol;
  const framing = bodiless ? ({ kind: 'none' } as const) : framingOf(headers, { kind: 'close' });
  if (framing === undefined || (minor === '0' && framing.kind === 'chunked')) return undefined;
  return { status, framing, interim, changesProtocol };
}

function parseHeaders(lines: readonly string[]): (readonly [string, string])[] | undefined {
  const headers: (readonly [string, string])[] = [];
  for (const line of lines) {
    // A line that begins with a space continues the one before for some readers (obsolete folding), and not for others.
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.push([name.toLowerCase(), withoutPadding(value)]);
  }
  return headers;
}

/** Without the spaces and tabs around it. `trim` takes more than these: a value may end with the byte 0xa0. */
function withoutPadding(value: string): string {
  const isPadding = (at: number): boolean => value[at] === ' ' || value[at] === '\t';
  let [from, to] = [0, value.length];
  while (from < to && isPadding(from)) from += 1;
  while (to > from && isPadding(to - 1)) to -= 1;
  return value.slice(from, to);
}

/** undefined where two readers could disagree (RFC 9112, 6.3 and 11.2): both kinds of framing, or two of one. */
function framingOf(headers: RequestHead['headers'], otherwise: Framing): Framing | undefined {
  const lengths = headers.filter(([name]) => name === 'content-length').map(([, value]) => value);
  const codings = headers.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value);
  if (codings.length > 0) {
    const plain = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked' && lengths.length === 0;
    return plain ? { kind: 'chunked' } : undefined;
  }
  const [length] = lengths;
  if (length === undefined) return otherwise;
  if (lengths.length > 1 || !/^\d{1,15}$/.test(length)) return undefined;
  return Number(length) === 0 ? { kind: 'none' } : { kind: 'length', bytes: Number(length) };
}

const has = (headers: RequestHead['headers'], wanted: string): boolean => headers.some(([name]) => name === wanted);

function tokens(headers: RequestHead['headers'], wanted: string): string[] {
  return headers
    .filter(([name]) => name === wanted)
    .flatMap(([, value]) => value.toLowerCase().split(','))
    .map((token) => token.trim());
}

/** The path of any form of target: `/a?b`, `http://host/a?b`, `*`, `host:443`. */
function pathOf(target: string): string {
  const path = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*(.*)$/.exec(target)?.[1] ?? target;
  return path.split(/[?#]/, 1)[0] || '/';
}
