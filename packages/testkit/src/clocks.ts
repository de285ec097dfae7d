/** Clocks for tests: one that stands still until it is moved, and one that is fast. */
import { systemClock, type Clock } from '@chaosplane/common';

/** A clock whose time is moved by hand. */
export interface ManualClock extends Clock {
  /** Moves on, firing what is due in its order, and lets what was woken do its work before the next. */
  advance(ms: number): Promise<void>;
  /** How many timers are set. */
  readonly timers: number;
}

interface Alarm {
  readonly at: number;
  readonly fire: () => void;
}

/** Begins at 2026-01-01; chance always says 0.5. */
export function manualClock(): ManualClock {
  const begin = Date.UTC(2026, 0, 1);
  let elapsed = 0;
  let hex = 0;
  const alarms = new Set<Alarm>();
  const after = (ms: number, fire: () => void) => {
    const alarm = { at: elapsed + Math.max(0, ms), fire };
    alarms.add(alarm);
    return { cancel: () => void alarms.delete(alarm) };
  };
  return {
    now: () => begin + elapsed,
    monotonic: () => elapsed,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const abort = (): void => {
          timer.cancel();
          reject(signal?.reason as Error);
        };
        const timer = after(ms, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        signal?.addEventListener('abort', abort, { once: true });
      }),
    random: () => 0.5,
    randomHex: (bytes) => (hex += 1).toString(16).padStart(2 * bytes, '0'),
    async advance(ms) {
      const until = elapsed + ms;
      for (;;) {
        await settled();
        const next = [...alarms].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        elapsed = Math.max(elapsed, next.at);
        alarms.delete(next);
        next.fire();
      }
      elapsed = until;
      await settled();
    },
    get timers() {
      return alarms.size;
    },
  };
}

/** Lets everything run that needs no time and no network. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** The machine's clock, so many times faster: for waits that would be long beside a real connection. */
export function fastClock(times: number): Clock {
  const begun = { now: systemClock.now(), monotonic: systemClock.monotonic() };
  return {
    ...systemClock,
    now: () => begun.now + (systemClock.monotonic() - begun.monotonic) * times,
    monotonic: () => begun.monotonic + (systemClock.monotonic() - begun.monotonic) * times,
    after: (ms, fire) => systemClock.after(ms / times, fire),
    sleep: (ms, signal) => systemClock.sleep(ms / times, signal),
  };
}
