/** The work queue: keys that want a look, each once, one worker a key, and later again when it failed. */
import { backoff, ChaosError, type Clock, type Logger, type Timer } from '@chaosplane/common';
import { isConflict, KubeError } from './errors.ts';

/** Brings the world nearer to what the object of this key wants; when it throws, it is called again. */
export type Reconciler = (key: string, signal: AbortSignal) => Promise<{ requeueAfterMs?: number } | undefined>;

export interface WorkQueue {
  /** Wants a look at this key. Once is enough: a key that waits is not added again, one that is worked on runs once more. */
  add(key: string): void;
  /** Wants a look in `ms` milliseconds; of several such wishes for a key the earliest counts. */
  addAfter(key: string, ms: number): void;
  /** Keys that wait for a worker now. */
  depth(): number;
  /** Works until the signal aborts, then waits for what is being worked on, and resolves. What waits is dropped. */
  start(signal: AbortSignal): Promise<void>;
}

export interface WorkQueueOptions {
  readonly name: string;
  /** Keys worked on at the same time. */
  readonly concurrency: number;
  readonly reconcile: Reconciler;
  /** Waits of a key that fails, doubled each time. Default 200 ms to 60 s. */
  readonly backoff?: { readonly firstMs: number; readonly longestMs: number };
}

interface Delayed {
  readonly due: number;
  readonly timer: Timer;
}

export function createWorkQueue(
  options: WorkQueueOptions,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): WorkQueue {
  const { name, concurrency, reconcile, backoff: waits = { firstMs: 200, longestMs: 60_000 } } = options;
  /** In the order they came. */
  const waiting = new Set<string>();
  const running = new Set<string>();
  /** Added while they ran. */
  const again = new Set<string>();
  const delayed = new Map<string, Delayed>();
  const failing = new Map<string, Iterator<number, never>>();
  let signal: AbortSignal | undefined;
  let drained: (() => void) | undefined;

  const add = (key: string): void => {
    if (signal?.aborted === true) return;
    if (running.has(key)) again.add(key);
    else waiting.add(key);
    pump();
  };

  const addAfter = (key: string, ms: number): void => {
    if (signal?.aborted === true) return;
    if (ms <= 0) {
      add(key);
      return;
    }
    const due = clock.monotonic() + ms;
    const before = delayed.get(key);
    if (before !== undefined && before.due <= due) return;
    before?.timer.cancel();
    const fire = (): void => {
      delayed.delete(key);
      add(key);
    };
    delayed.set(key, { due, timer: clock.after(ms, fire) });
  };

  const work = async (key: string, during: AbortSignal): Promise<void> => {
    try {
      const wish = await reconcile(key, during);
      failing.delete(key);
      if (wish?.requeueAfterMs !== undefined) addAfter(key, wish.requeueAfterMs);
    } catch (error) {
      if (during.aborted) return;
      const times = failing.get(key) ?? backoff({ ...waits, factor: 2, clock });
      failing.set(key, times);
      const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
      const waitMs = Math.round(Math.max(times.next().value, asked));
      // Somebody was faster: that is how optimistic concurrency works.
      logger[isConflict(error) ? 'debug' : 'warn'](
        { queue: name, key, waitMs, error },
        'reconcile failed, tries again',
      );
      addAfter(key, waitMs);
    }
  };

  const pump = (): void => {
    if (signal === undefined) return;
    for (const key of waiting) {
      if (signal.aborted || running.size >= concurrency) break;
      waiting.delete(key);
      running.add(key);
      void work(key, signal).then(() => {
        running.delete(key);
        if (again.delete(key)) waiting.add(key);
        pump();
      });
    }
    if (signal.aborted && running.size === 0) drained?.();
  };

  return {
    add,
    addAfter,
    depth: () => waiting.size + again.size,
    start(given) {
      if (signal !== undefined) {
        return Promise.reject(new ChaosError('INTERNAL', `the work queue ${name} was started twice`));
      }
      signal = given;
      return new Promise((resolve) => {
        drained = resolve;
        const end = (): void => {
          for (const { timer } of delayed.values()) timer.cancel();
          delayed.clear();
          waiting.clear();
          again.clear();
          pump();
        };
        given.addEventListener('abort', end, { once: true });
        if (given.aborted) end();
        else pump();
      });
    },
  };
}
