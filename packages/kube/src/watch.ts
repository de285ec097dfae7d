/** The stream of a watch: JSON lines as events, and an error for every end that is not the server's own. */
import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '@chaosplane/common';
import { errorOfAnswer, KubeError, shorten } from './errors.ts';
import { linkedAbort } from './linked-abort.ts';
import type { KubeObject } from './object.ts';
import { asKubeError, type HttpRequest, type Transport } from './transport.ts';

/** A change that the API server tells; a bookmark carries nothing but a resourceVersion. */
export interface WatchEvent<T extends KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** No object is that large: the API server refuses more than 3 MiB. What comes without a line's end is garbage. */
const LONGEST_LINE = 32 * 1024 * 1024;

/**
 * Streams events until the server ends the watch in order.
 * A stream that is still open at `lifetimeMs`, when the server should have ended it long ago, is cut: nothing else
 * notices a server that accepts, keeps the connection alive and says nothing.
 * @throws KubeError for an ERROR event (410 when the resourceVersion is too old), a line that is not an event, a cut
 *   connection, a stalled stream; the signal's reason when it aborts.
 */
export async function* streamEvents<T extends KubeObject>(
  transport: Transport,
  request: HttpRequest & { readonly signal: AbortSignal },
  {
    clock,
    lifetimeMs,
    opened,
  }: { readonly clock: Clock; readonly lifetimeMs: number; readonly opened?: (() => void) | undefined },
): AsyncGenerator<WatchEvent<T>, void> {
  const what = `watch of ${request.path}`;
  using life = linkedAbort(request.signal);
  const stalled = new KubeError(0, 'Timeout', `${what}: still open after ${Math.round(lifetimeMs / 1000)} s, cut`);
  const timer = clock.after(lifetimeMs, () => life.abort(stalled));
  let answer: IncomingMessage | undefined;
  try {
    answer = await transport.open({ ...request, signal: life.signal });
    opened?.();
    for await (const line of linesOf(answer, what)) {
      life.signal.throwIfAborted();
      yield eventOf<T>(line, what);
    }
  } catch (error) {
    if (life.signal.aborted) throw life.signal.reason;
    throw asKubeError(request, error);
  } finally {
    timer.cancel();
    // The reader left early, or the stream failed: the connection is of no more use.
    answer?.destroy();
  }
}

async function* linesOf(answer: IncomingMessage, what: string): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of answer) {
    rest += decoder.write(chunk as Buffer);
    let from = 0;
    for (let to = rest.indexOf('\n', from); to >= 0; to = rest.indexOf('\n', from)) {
      if (to > from) yield rest.slice(from, to);
      from = to + 1;
    }
    rest = rest.slice(from);
    if (rest.length > LONGEST_LINE) throw new KubeError(0, 'Garbled', `${what}: a line that does not end`);
  }
  if (rest.trim() !== '') throw new KubeError(0, 'Garbled', `${what}: ended in the middle of an event`);
}

function eventOf<T extends KubeObject>(line: string, what: string): WatchEvent<T> {
  let event: { type?: unknown; object?: unknown };
  try {
    event = JSON.parse(line) as typeof event;
  } catch (error) {
    throw new KubeError(0, 'Garbled', `${what}: not an event: ${shorten(line)}`, { cause: error });
  }
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return event as WatchEvent<T>;
    case 'ERROR':
      throw errorOfAnswer(what, 0, event.object);
    default:
      throw new KubeError(0, 'Garbled', `${what}: not an event: ${shorten(line)}`);
  }
}
