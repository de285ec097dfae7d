/** How often each of many may do something: a burst, and then one at a time. */
import type { Clock } from '@chaosplane/common';

export interface RateLimiter {
  /** Whether this one may now; takes one of what it has. */
  take(who: string): boolean;
}

/** Each has `burst` at first, and one more every `refillMs` milliseconds, up to that. */
export function createRateLimiter(options: {
  readonly burst: number;
  readonly refillMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}): RateLimiter {
  const { burst, refillMs, clock } = options;
  /** When each would be back at its full burst; who is, is forgotten. */
  const fullAt = new Map<string, number>();
  let sweepAt = 0;
  return {
    take(who) {
      const now = clock.monotonic();
      if (now >= sweepAt) {
        for (const [one, at] of fullAt) if (at <= now) fullAt.delete(one);
        sweepAt = now + burst * refillMs;
      }
      const at = Math.max(fullAt.get(who) ?? now, now) + refillMs;
      if (at > now + burst * refillMs) return false;
      fullAt.set(who, at);
      return true;
    },
  };
}
