/** Trying again: waits that grow. */
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
