/** How long one request lives: as long as a signal, but it can be ended on its own. */

/** An abort controller that follows a longer-lived signal. */
export interface Life {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Follows no longer, so that the longer-lived signal does not collect listeners. */
  [Symbol.dispose](): void;
}

/** A life that ends when the signal aborts, if there is one. */
export function follow(signal: AbortSignal | undefined): Life {
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
