/** How often each of many may do something: a burst, and then one at a time. */
import { bucket, type Bucket, type Clock, type Rate } from '@chaosplane/common';

export interface RateLimiter {
  /** Whether this one may now; takes one of what it has. */
  take(who: string): boolean;
}

/** Each has a bucket of its own; a full one is forgotten, because a new one is the same. */
export function createRateLimiter(rate: Rate, clock: Pick<Clock, 'monotonic'>): RateLimiter {
  const buckets = new Map<string, Bucket>();
  const sweepEveryMs = (rate.burst / rate.perSecond) * 1000;
  let sweepAt = clock.monotonic() + sweepEveryMs;
  return {
    take(who) {
      const now = clock.monotonic();
      if (now >= sweepAt) {
        for (const [one, { isFull }] of buckets) if (isFull()) buckets.delete(one);
        sweepAt = now + sweepEveryMs;
      }
      const mine = buckets.get(who) ?? bucket(rate, clock);
      buckets.set(who, mine);
      return mine.take();
    },
  };
}
