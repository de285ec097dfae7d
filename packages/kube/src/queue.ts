/** The work queue: keys that want a look, each once, one worker a key, group by group in turn, and later again when it failed. */
import { backoff, ChaosError, type Clock, type Logger, type Timer } from '@chaosplane/common';
import { isConflict, KubeError } from './errors.ts';
import { createLanes, type LanesOptions } from './lanes.ts';
import { createQueueTimes, type QueueObserver, type ReconcileResult } from './queue-times.ts';

/** Brings the cluster nearer to what the object of this key wants; when it throws, it is called again. */
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

export interface WorkQueueOptions extends LanesOptions {
  readonly name: string;
  readonly reconcile: Reconciler;
  /** Waits of a key that fails, doubled each time. Default 200 ms to 60 s. */
  readonly backoff?: { readonly firstMs: number; readonly longestMs: number };
  /** Is told of the work. */
  readonly observer?: QueueObserver;
}

export function createWorkQueue(
  options: WorkQueueOptions,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): WorkQueue {
  const { name, reconcile } = options;
  const lanes = createLanes(options);
  const times = createQueueTimes(clock, options.observer);
  /** Added while they ran. */
  const again = new Set<string>();
  const delays = createDelays(clock, (key) => add(key));
  const failures = createFailures(options, { clock, logger });
  let signal: AbortSignal | undefined;
  let drained: (() => void) | undefined;

  const add = (key: string): void => {
    if (signal?.aborted === true) return;
    if (lanes.runs(key)) again.add(key);
    else lanes.wait(key);
    times.waits(key);
    pump();
  };

  const addAfter = (key: string, ms: number): void => {
    if (signal?.aborted === true) return;
    if (ms <= 0) add(key);
    else delays.set(key, ms);
  };

  const work = async (key: string, during: AbortSignal): Promise<ReconcileResult> => {
    try {
      const wish = await reconcile(key, during);
      failures.over(key);
      if (wish?.requeueAfterMs === undefined) return 'success';
      addAfter(key, wish.requeueAfterMs);
      return 'requeue_after';
    } catch (error) {
      if (during.aborted) return 'error';
      addAfter(key, failures.waitMs(key, error));
      return 'error';
    }
  };

  const pump = (): void => {
    if (signal === undefined) return;
    for (let key = signal.aborted ? undefined : lanes.begin(); key !== undefined; key = lanes.begin()) {
      const begun = key;
      times.begins(begun);
      void work(begun, signal).then((result) => {
        times.ends(begun, result);
        lanes.end(begun);
        if (again.delete(begun)) lanes.wait(begun);
        pump();
      });
    }
    if (signal.aborted && lanes.running === 0) drained?.();
  };

  const end = (): void => {
    delays.clear();
    lanes.clear();
    again.clear();
    pump();
  };

  const depth = (): number => lanes.waiting + again.size;
  options.observer?.started({ depth, running: times.running }, options.concurrency);
  return {
    add,
    addAfter,
    depth,
    start(given) {
      if (signal !== undefined) {
        return Promise.reject(new ChaosError('INTERNAL', `the work queue ${name} was started twice`));
      }
      signal = given;
      return new Promise((resolve) => {
        drained = resolve;
        given.addEventListener('abort', end, { once: true });
        if (given.aborted) end();
        else pump();
      });
    },
  };
}

/** Keys that fail, each of which waits longer every time. */
function createFailures(
  { name, backoff: waits = { firstMs: 200, longestMs: 60_000 } }: Pick<WorkQueueOptions, 'name' | 'backoff'>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
) {
  const failing = new Map<string, Iterator<number, never>>();
  return {
    over: (key: string): void => void failing.delete(key),
    /** How long the key waits before it comes again. */
    waitMs(key: string, error: unknown): number {
      const times = failing.get(key) ?? backoff({ ...waits, factor: 2, clock });
      failing.set(key, times);
      const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
      const waitMs = Math.round(Math.max(times.next().value, asked));
      // Another writer was faster: that is how optimistic concurrency works.
      logger[isConflict(error) ? 'debug' : 'warn'](
        { queue: name, key, waitMs, err: error },
        'reconcile failed, tries again',
      );
      return waitMs;
    },
  };
}

/** Keys that are added later. */
function createDelays(clock: Clock, fire: (key: string) => void) {
  const delayed = new Map<string, { readonly due: number; readonly timer: Timer }>();
  return {
    /** Of several wishes for a key the earliest counts. */
    set(key: string, ms: number): void {
      const due = clock.monotonic() + ms;
      const before = delayed.get(key);
      if (before !== undefined && before.due <= due) return;
      before?.timer.cancel();
      const timer = clock.after(ms, () => {
        delayed.delete(key);
        fire(key);
      });
      delayed.set(key, { due, timer });
    },
    clear(): void {
      for (const { timer } of delayed.values()) timer.cancel();
      delayed.clear();
    },
  };
}
