/** Trying again: waits that grow, and a task that is tried until it succeeds. */
import type { Clock } from './clock.ts';

/** How waits grow. */
export interface BackoffOptions {
  /** The first wait in milliseconds, before jitter. */
  readonly firstMs: number;
  /** By what each wait is longer than the one before; at least 1. */
  readonly factor: number;
  /** The longest wait in milliseconds. */
  readonly longestMs: number;
  readonly clock: Pick<Clock, 'random'>;
}

/** Endless waits in milliseconds, each multiplied by a random number in [0.5, 1), so that many who failed together spread out. */
export function* backoff({ firstMs, factor, longestMs, clock }: BackoffOptions): Generator<number, never, void> {
  let ms = Math.min(firstMs, longestMs);
  for (;;) {
    yield ms * (0.5 + clock.random() / 2);
    ms = Math.min(ms * factor, longestMs);
  }
}

/** What `retryForever` needs. */
export interface RetryOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /** The waits between tries. */
  readonly backoff: Iterable<number>;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Hears of every failure, and how long the wait before the next try is. */
  readonly onError: (error: unknown, waitMs: number) => void;
}

/**
 * Runs `task` until it succeeds.
 * @throws the signal's reason once it has aborted; the last error when the waits end.
 */
export async function retryForever<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, backoff: waits, signal, onError } = options;
  let last: unknown;
  for (const waitMs of waits) {
    signal?.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      last = error;
      signal?.throwIfAborted();
      onError(error, waitMs);
    }
    await clock.sleep(waitMs, signal);
  }
  throw last;
}
