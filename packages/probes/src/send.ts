/** One request over HTTP from this machine: where it may go, how it ends, and how much of the answer is read. */
import { lookup } from 'node:dns';
import { request as plainRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { HttpProbe } from '@chaosplane/api';
import { defined, isLocalAddress } from '@chaosplane/common';
import { LocalAddressError } from './words.ts';

/** What is sent. */
export interface Outgoing extends Pick<HttpProbe, 'url' | 'method' | 'insecure'> {
  readonly ca?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: the request has no body. */
  readonly form?: URLSearchParams;
}

/** What was answered. */
export interface Answer {
  readonly status: number;
  /** Without its parameters; empty when the server gave none. */
  readonly contentType: string;
  /** Empty when it is not read. */
  readonly body: string;
}

/** Within which limits. */
export interface Limits {
  readonly allowLocal: boolean;
  readonly signal: AbortSignal;
  /** A longer body is an error. 0: the body is not read. */
  readonly bodyBytes: number;
}

/**
 * Sends a request, and resolves with its answer. Redirects are not followed.
 * @throws LocalAddressError when it would go to loopback, link-local or a cloud's metadata and that is not allowed, before anything is connected.
 * @throws Error of Node.js or of the signal, when no answer came; `causeOf` says it in words.
 */
export async function send(outgoing: Outgoing, { allowLocal, signal, bodyBytes }: Limits): Promise<Answer> {
  const { url, method, ca, insecure, form } = outgoing;
  const { hostname, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (!allowLocal && isIP(host) !== 0 && isLocalAddress(host)) throw new LocalAddressError(host);
  const body = form?.toString();
  const headers = {
    ...outgoing.headers,
    ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
  };
  const options: RequestOptions = {
    method,
    headers,
    signal,
    agent: false,
    ...(allowLocal ? {} : { lookup: notLocal }),
  };
  const tls = { ...defined({ ca }), rejectUnauthorized: !insecure };
  return new Promise((resolve, reject) => {
    const request = protocol === 'https:' ? tlsRequest(url, { ...options, ...tls }) : plainRequest(url, options);
    request.on('error', reject);
    request.on('response', (response) => {
      readBody(response, bodyBytes).then((read) => {
        const [contentType = ''] = (response.headers['content-type'] ?? '').split(';');
        resolve({ status: response.statusCode ?? 0, contentType: contentType.trim(), body: read });
      }, reject);
    });
    request.end(body);
  });
}

async function readBody(response: IncomingMessage, limit: number): Promise<string> {
  if (limit === 0) {
    response.destroy();
    return '';
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Leaving the loop destroys the connection.
    if (length > limit) throw new Error(`its answer is longer than ${limit / 1024} KiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Names are resolved once, and what is asked is what was looked at: a second answer of DNS changes nothing. */
const notLocal: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const local = error === null ? addresses.find(({ address }) => isLocalAddress(address)) : undefined;
    const refusal = local === undefined ? error : new LocalAddressError(local.address, hostname);
    if (refusal !== null) done(refusal, []);
    else if (options.all === true) done(null, addresses);
    else done(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
  });
};
