/** The probe `http`: a request from this machine. */
import type { HttpProbe } from '@chaosplane/api';
import { formatDuration } from '@chaosplane/common';
import { headersOf } from './headers.ts';
import type { Measured, Prober } from './prober.ts';
import { send } from './send.ts';
import { causeOf, shownUrl, wasNotAsked } from './words.ts';

/**
 * Makes one request. `pass`: the status is the expected one. `fail`: it is another one, or the server gave no answer within the
 * timeout: it refused, was silent, spoke no HTTP, or could not prove its name. `error`: no server was asked, because its name
 * could not be resolved, a Secret could not be read, or the request may not be sent.
 */
export async function askHttp(probe: HttpProbe, prober: Prober): Promise<Measured> {
  const { method, expectStatus, timeout } = probe;
  const what = `${method} ${shownUrl(probe.url)}`;
  const limit = AbortSignal.timeout(timeout);
  let headers;
  try {
    headers = await headersOf(probe, prober);
  } catch (error) {
    return { outcome: 'error', message: `${what} failed: ${causeOf(error)}` };
  }
  try {
    const signal = AbortSignal.any([prober.signal, limit]);
    const { status } = await send({ ...probe, headers }, { allowLocal: prober.allowLocal, signal, bodyBytes: 0 });
    if (status === expectStatus) return { outcome: 'pass', message: `${what} answered ${status}` };
    return { outcome: 'fail', message: `${what} answered ${status}, not ${expectStatus}` };
  } catch (error) {
    if (limit.aborted)
      return { outcome: 'fail', message: `${what} failed: no answer within ${formatDuration(timeout)}` };
    const outcome = prober.signal.aborted || wasNotAsked(error) ? 'error' : 'fail';
    return { outcome, message: `${what} failed: ${causeOf(error)}` };
  }
}
