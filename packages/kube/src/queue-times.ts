/** How long the keys of a queue wait and are worked on; told to an observer, such as metrics. */
import type { Clock } from '@chaosplane/common';

/** How a visit of the reconciler ended; the words are those of controller-runtime. */
export type ReconcileResult = 'success' | 'requeue_after' | 'error';

/** What a queue can be asked at any moment. */
export interface QueueState {
  /** Keys that wait for a worker. */
  depth(): number;
  /** For each key that is worked on: since when, in seconds. */
  running(): readonly number[];
}

/** What is told of the work of one queue. Times in seconds. */
export interface QueueObserver {
  /** The queue exists, and one of its name before it does no longer. */
  started(state: QueueState, workers: number): void;
  added(): void;
  /** A key that failed comes again. */
  retried(): void;
  began(waited: number): void;
  ended(result: ReconcileResult, took: number): void;
}

/** When each key began to wait, and to be worked on. */
export interface QueueTimes {
  waits(key: string): void;
  begins(key: string): void;
  ends(key: string, result: ReconcileResult): void;
  running(): number[];
}

/** Times by the monotonic clock. A key that waits already has waited since it was added first. */
export function createQueueTimes(clock: Pick<Clock, 'monotonic'>, observer: QueueObserver | undefined): QueueTimes {
  const waiting = new Map<string, number>();
  const running = new Map<string, number>();
  const since = (at = clock.monotonic()): number => (clock.monotonic() - at) / 1000;
  return {
    waits(key) {
      if (waiting.has(key)) return;
      waiting.set(key, clock.monotonic());
      observer?.added();
    },
    begins(key) {
      observer?.began(since(waiting.get(key)));
      waiting.delete(key);
      running.set(key, clock.monotonic());
    },
    ends(key, result) {
      observer?.ended(result, since(running.get(key)));
      if (result === 'error') observer?.retried();
      running.delete(key);
    },
    running: () => [...running.values()].map(since),
  };
}
