/** Requests that begin so many a second, however long the answers take, and what became of each. */
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@chaosplane/testkit/eventually';

/** What became of one. */
export interface Outcome {
  /** As `performance.now` tells it. */
  readonly startedAt: number;
  /** Of HTTP; or what the connection ended with, such as ECONNRESET. */
  readonly status: number | string;
}

/** How far it has come. */
export interface Progress {
  /** Of those that are over. */
  readonly statuses: readonly Outcome['status'][];
  /** How many are over that began after that moment. */
  sentSince(moment: number): number;
}

/** A load that goes on until it is stopped. */
export interface Load {
  /** Complete once it is stopped. */
  readonly outcomes: readonly Outcome[];
  /** @throws Error when it does not come to that within half a minute. */
  until(reached: (progress: Progress) => boolean): Promise<void>;
  /** Begins no more of them, and waits for those under way. */
  stop(): Promise<void>;
}

export function startLoad(perSecond: number, ask: (index: number) => Promise<{ readonly status: number }>): Load {
  const outcomes: Outcome[] = [];
  const underWay = new Set<Promise<void>>();
  const over = new AbortController();
  const one = async (index: number): Promise<void> => {
    const startedAt = performance.now();
    const status = await ask(index).then(
      (reply) => reply.status,
      (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error),
    );
    outcomes.push({ startedAt, status });
  };
  const beginning = (async () => {
    const began = performance.now();
    let sent = 0;
    while (!over.signal.aborted) {
      // Who was late catches up.
      for (; sent < ((performance.now() - began) * perSecond) / 1000; sent += 1) {
        const request = one(sent);
        underWay.add(request);
        void request.finally(() => underWay.delete(request));
      }
      await pause(1);
    }
  })();
  const progress: Progress = {
    get statuses() {
      return outcomes.map(({ status }) => status);
    },
    sentSince: (moment) => outcomes.filter(({ startedAt }) => startedAt > moment).length,
  };
  return {
    outcomes,
    async until(reached) {
      await eventually('the load', () => progress, { everyMs: 5, is: reached });
    },
    async stop() {
      over.abort();
      await beginning;
      await Promise.all(underWay);
    },
  };
}
