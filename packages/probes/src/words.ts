/** How a probe that failed is told: the cause and not only its outermost error, and no secret of its URL. Pure. */

/** A probe that goes where probes may not go. */
export class LocalAddressError extends Error {
  constructor(address: string, name?: string) {
    const what = name === undefined ? address : `${name} is ${address}, which`;
    super(
      `${what} is loopback, link-local or a cloud's metadata: allow it with --allow-local-probes (operator.allowLocalProbes)`,
    );
  }
}

/** The URL without user and password, and without its query, which may hold a token. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

/** What people call the codes of Node, of c-ares and of OpenSSL. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'the name could not be resolved: no resolver answered',
  EPROTO: 'the server does not speak TLS, or none that is spoken here',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: give ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted: give ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted: give ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that is not trusted: give ca',
  ERR_INVALID_CHAR: 'the value of a header has characters that none may have: give printable ASCII in one line',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** The innermost cause, in words, with its code: of several addresses that were tried, the last. */
export function causeOf(error: unknown): string {
  const deepest = innermost(error, 0);
  if (!isErrorLike(deepest)) return String(deepest);
  const { code, message } = deepest;
  if (typeof code !== 'string') return message;
  if (code.startsWith('HPE_')) return `what answers does not speak HTTP (${code})`;
  if (code.startsWith('ERR_SSL_')) return `${WORDS['EPROTO'] ?? message} (${code})`;
  const known = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  return `${known ?? message} (${code}${placeOf(deepest)})`;
}

/** The address and port that were tried, as Node.js notes them. */
function placeOf({ address, port }: ErrorLike): string {
  if (typeof address !== 'string' || typeof port !== 'number') return '';
  return address.includes(':') ? ` [${address}]:${port}` : ` ${address}:${port}`;
}

/** What happens before any server is asked: its name is resolved, the request is put together, a socket is opened. */
const NOT_ASKED = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ERR_INVALID_CHAR', 'EMFILE', 'ENFILE', 'ENOBUFS']);

/** Whether a request failed before any server was asked, so that nothing is known of the server. */
export function wasNotAsked(error: unknown): boolean {
  const deepest = innermost(error, 0);
  if (deepest instanceof LocalAddressError) return true;
  return isErrorLike(deepest) && typeof deepest.code === 'string' && NOT_ASKED.has(deepest.code);
}

interface ErrorLike {
  readonly message: string;
  readonly code?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** By its fields: an error of another realm is no instance of this realm's Error. */
function isErrorLike(error: unknown): error is ErrorLike {
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string';
}

function innermost(error: unknown, depth: number): unknown {
  if (!isErrorLike(error) || depth > 8) return error;
  if (Array.isArray(error.errors) && error.errors.length > 0) return innermost(error.errors.at(-1), depth + 1);
  return error.cause === undefined ? error : innermost(error.cause, depth + 1);
}

/** The beginning of a text, in one line: at most 200 characters. */
export function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
