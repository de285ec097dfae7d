/** An AbortController for one request: aborted with a longer-lived signal, and on its own. */

/** An abort controller that follows a longer-lived signal. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Follows no longer, so that the longer-lived signal does not collect listeners. */
  [Symbol.dispose](): void;
}

/** A controller that is aborted when the signal aborts, if there is one. */
export function linkedAbort(signal: AbortSignal | undefined): LinkedAbort {
  const controller = new AbortController();
  const end = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) end();
  signal?.addEventListener('abort', end, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => signal?.removeEventListener('abort', end),
  };
}
