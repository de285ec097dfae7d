/** The probe `http`: a request from this machine. */
import { lookup } from 'node:dns';
import { request as plainRequest, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { defined, formatDuration, isLocalAddress } from '@chaosplane/common';
import type { HttpProbe } from '@chaosplane/api';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import type { Prober } from './prober.ts';
import { causeOf, LocalAddressError, shownUrl } from './words.ts';

/** Makes one request. */
export async function askHttp(probe: HttpProbe, prober: Prober): Promise<ProbeOutcome> {
  const { method, expectStatus, timeout } = probe;
  const what = `${method} ${shownUrl(probe.url)}`;
  const limit = AbortSignal.timeout(timeout);
  try {
    const headers = await headersOf(probe, prober);
    const status = await statusOf(probe, headers, prober.allowLocal, AbortSignal.any([prober.signal, limit]));
    const passed = status === expectStatus;
    return { passed, message: `${what} answered ${status}${passed ? '' : `, not ${expectStatus}`}` };
  } catch (error) {
    const why = limit.aborted ? `no answer within ${formatDuration(timeout)}` : causeOf(error);
    return { passed: false, message: `${what} failed: ${why}` };
  }
}

async function headersOf({ headers }: HttpProbe, { secret }: Prober): Promise<Record<string, string>> {
  const found = headers.map(async ({ name, value = '', valueFrom }): Promise<[string, string]> => {
    if (valueFrom === undefined) return [name, value];
    if (secret === undefined) throw new Error('there are no Secrets here');
    // Most Secrets that were made from a file end with a line break, which no header takes.
    return [name, (await secret(valueFrom.secretKeyRef)).replace(/[\r\n]+$/, '')];
  });
  return Object.fromEntries(await Promise.all(found));
}

/** The status of the answer; redirects are not followed, and bodies not read. */
function statusOf(
  { url, method, ca, insecure }: HttpProbe,
  headers: Record<string, string>,
  allowLocal: boolean,
  signal: AbortSignal,
): Promise<number> {
  const { hostname, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (!allowLocal && isIP(host) !== 0 && isLocalAddress(host)) return Promise.reject(new LocalAddressError(host));
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
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    request.end();
  });
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
