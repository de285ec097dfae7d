/** A token bucket: how often something may happen, with some slack for what comes at once. */
import type { Clock } from './clock.ts';

/** How often. */
export interface Rate {
  readonly perSecond: number;
  /** So many at once. */
  readonly burst: number;
}

/** One that is full at first. */
export interface Bucket {
  /** Takes a token; false when there is none. */
  take(): boolean;
  /** Whether it holds its whole burst, as a new one does. */
  isFull(): boolean;
}

export function bucket({ perSecond, burst }: Rate, clock: Pick<Clock, 'monotonic'>): Bucket {
  let tokens = burst;
  let at = clock.monotonic();
  const refill = (): number => {
    const now = clock.monotonic();
    tokens = Math.min(burst, tokens + ((now - at) * perSecond) / 1000);
    at = now;
    return tokens;
  };
  return {
    take() {
      if (refill() < 1) return false;
      tokens -= 1;
      return true;
    },
    isFull: () => refill() >= burst,
  };
}
