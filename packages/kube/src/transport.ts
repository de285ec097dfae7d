/** One HTTP request to the API server: connection, deadline, abort, and errors of one class. */
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { ChaosError, type Clock, defined } from '@chaosplane/common';
import type { ClusterConfig } from './cluster-config.ts';
import { errorOfAnswer, KubeError, shorten } from './errors.ts';
import { linkedAbort, type LinkedAbort } from './linked-abort.ts';

/** A request without its host. */
export interface HttpRequest {
  readonly method: string;
  /** Begins with a slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default application/json. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Connections to one API server. */
export interface Transport {
  /**
   * Sends a request and reads its whole answer.
   * @throws KubeError when the server refuses, is not there or takes longer than the deadline; the signal's reason when it aborts.
   */
  ask(request: HttpRequest): Promise<unknown>;
  /** Sends a request; the answer's body is left to the caller, and so is its deadline. Errors as above. */
  open(request: HttpRequest): Promise<IncomingMessage>;
}

interface Parts {
  readonly clock: Clock;
  readonly userAgent: string;
  /** The deadline of an answer (of its headers, for `open`), in milliseconds. */
  readonly timeoutMs: number;
  /** What is thrown for an answer that is a refusal; absent: the refusal itself. */
  readonly refusal?: Refusal;
}

/** Puts a refusal of the API server into other words, for the people who asked. */
export type Refusal = (error: KubeError, request: Pick<HttpRequest, 'method' | 'path'>) => Error;

/** Connects on demand, and keeps connections for the next request. */
export function createTransport(config: ClusterConfig, { clock, userAgent, timeoutMs, refusal }: Parts): Transport {
  const secure = config.server.startsWith('https:');
  // Keep-alive probes each second find a peer that is gone; without them a watch on a dead connection looks healthy.
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });

  const options = async ({ method, path, query, body, contentType }: HttpRequest): Promise<[URL, RequestOptions]> => {
    const url = new URL(`${config.server}${path}`);
    for (const [key, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const { headers, ...credentials } = await config.credentials();
    return [
      url,
      {
        agent,
        method,
        ...credentials,
        headers: {
          accept: 'application/json',
          'user-agent': userAgent,
          ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
          ...trimmed(headers as http.OutgoingHttpHeaders | undefined),
        },
      },
    ];
  };

  const open = async (request: HttpRequest): Promise<IncomingMessage> => {
    const answer = await send(await options(request), request, secure);
    if (answer.statusCode !== undefined && answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    const retryAfter = answer.headers['retry-after'];
    const error = errorOfAnswer(named(request), answer.statusCode ?? 0, parsed(await textOf(answer)), retryAfter);
    throw refusal?.(error, request) ?? error;
  };

  /** Runs `task` under the deadline, and says what ended it. */
  const bounded = async <T>(request: HttpRequest, life: LinkedAbort, task: () => Promise<T>): Promise<T> => {
    const late = new KubeError(0, 'Timeout', `${named(request)}: no answer within ${timeoutMs} ms`);
    const timer = clock.after(timeoutMs, () => life.abort(late));
    try {
      life.signal.throwIfAborted();
      // Also what knows no signal, such as a credential plugin that hangs, is bounded.
      return await Promise.race([task(), aborted(life.signal)]);
    } catch (error) {
      if (life.signal.aborted) throw life.signal.reason;
      throw asKubeError(request, error);
    } finally {
      timer.cancel();
    }
  };

  return {
    async ask(request) {
      using life = linkedAbort(request.signal);
      const text = await bounded(request, life, async () => textOf(await open({ ...request, signal: life.signal })));
      // An empty answer is one; half an answer, or the page of a proxy, is not.
      if (text === '') return undefined;
      const body = parsed(text);
      if (typeof body !== 'string') return body;
      throw new KubeError(0, 'Garbled', `${named(request)}: the answer is not JSON: ${shorten(body)}`);
    },
    async open(request) {
      const life = linkedAbort(request.signal);
      try {
        const answer = await bounded(request, life, () => open({ ...request, signal: life.signal }));
        answer.once('close', () => life[Symbol.dispose]());
        return answer;
      } catch (error) {
        life[Symbol.dispose]();
        throw error;
      }
    },
  };
}

/** Sends once, and once more when a kept connection turns out to be closed and nothing can have happened. */
async function send(
  [url, options]: readonly [URL, RequestOptions],
  request: HttpRequest,
  secure: boolean,
): Promise<IncomingMessage> {
  const once = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { signal, body } = request;
      const sent = (secure ? https : http).request(url, { ...options, ...defined({ signal }) });
      sent.once('response', resolve);
      sent.on('error', (error) => reject(new SendError(error, sent.reusedSocket)));
      if (body === undefined) {
        sent.end();
        return;
      }
      const bytes = Buffer.from(JSON.stringify(body));
      // Else Node sends the body of a DELETE without any length, and the server reads it as the next request.
      sent.setHeader('content-length', bytes.length);
      sent.end(bytes);
    });
  try {
    return await once();
  } catch (error) {
    if (!(error instanceof SendError)) throw error;
    const again = error.reusedSocket && request.method === 'GET' && request.signal?.aborted !== true;
    if (!again) throw error.cause;
    return await once();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

class SendError extends Error {
  readonly reusedSocket: boolean;
  constructor(cause: Error, reusedSocket: boolean) {
    super(cause.message, { cause });
    this.reusedSocket = reusedSocket;
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  for await (const chunk of answer) text += chunk as string;
  return text;
}

/** What the text says, or the text itself when it is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** A token read from a file ends with a newline more often than not, which no header may contain. */
function trimmed(headers: http.OutgoingHttpHeaders | undefined): http.OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([key, value]) => [key, typeof value === 'string' ? value.trim() : value]),
  );
}

function named({ method, path }: HttpRequest): string {
  return `${method} ${path}`;
}

/** Any failure of a connection, as a KubeError. */
export function asKubeError(request: HttpRequest, error: unknown): ChaosError {
  if (error instanceof ChaosError) return error;
  const cause = error instanceof SendError ? error.cause : error;
  const why =
    cause instanceof Error ? cause.message || ((cause as { code?: string }).code ?? cause.name) : String(cause);
  return new KubeError(0, 'Network', `${named(request)}: ${why}`, { cause });
}
