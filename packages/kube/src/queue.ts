/** The work queue: keys that want a look, each once, one worker a key, group by group in turn, and later again when it failed. */
import { backoff, ChaosError, type Clock, type Logger, type Timer } from '@chaosplane/common';
import { isConflict, KubeError } from './errors.ts';
import { createLine } from './line.ts';

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

export interface WorkQueueOptions {
  readonly name: string;
  /** Keys worked on at the same time; urgent ones have `reserved` workers more. */
  readonly concurrency: number;
  /** Groups take turns, however many keys each of them has. Default: all keys are of one group. */
  readonly groupOf?: (key: string) => string;
  /** Keys of one group that are worked on at the same time; for those that are urgent it counts again. Default: no limit. */
  readonly perGroup?: number;
  /** Whether a key is urgent when it is added: those come first. Default: none is. */
  readonly isUrgent?: (key: string) => boolean;
  /** Workers that only urgent keys get. Default: none. */
  readonly reserved?: number;
  readonly reconcile: Reconciler;
  /** Waits of a key that fails, doubled each time. Default 200 ms to 60 s. */
  readonly backoff?: { readonly firstMs: number; readonly longestMs: number };
}

type Lane = 'urgent' | 'normal';

interface Delayed {
  readonly due: number;
  readonly timer: Timer;
}

export function createWorkQueue(
  options: WorkQueueOptions,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): WorkQueue {
  const { name, concurrency, reconcile, backoff: waits = { firstMs: 200, longestMs: 60_000 } } = options;
  const { groupOf = () => '', perGroup = Infinity, isUrgent = () => false, reserved = 0 } = options;
  const lanes = { urgent: createLine(groupOf), normal: createLine(groupOf) };
  /** Each in the lane that it came from. */
  const running = new Map<string, Lane>();
  /** Added while they ran. */
  const again = new Set<string>();
  const delayed = new Map<string, Delayed>();
  const failing = new Map<string, Iterator<number, never>>();
  let signal: AbortSignal | undefined;
  let drained: (() => void) | undefined;

  const wait = (key: string): void => {
    // One that waits already may have become urgent; nothing becomes less so.
    if (lanes.urgent.has(key)) return;
    if (isUrgent(key)) {
      lanes.normal.delete(key);
      lanes.urgent.add(key);
    } else lanes.normal.add(key);
  };

  const add = (key: string): void => {
    if (signal?.aborted === true) return;
    if (running.has(key)) again.add(key);
    else wait(key);
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
      // Another writer was faster: that is how optimistic concurrency works.
      logger[isConflict(error) ? 'debug' : 'warn'](
        { queue: name, key, waitMs, err: error },
        'reconcile failed, tries again',
      );
      addAfter(key, waitMs);
    }
  };

  /** Whose turn it is; undefined when no key waits, or there is no worker for those that do. */
  const next = (): readonly [key: string, lane: Lane] | undefined => {
    if (running.size >= concurrency + reserved) return undefined;
    const busy = { urgent: new Map<string, number>(), normal: new Map<string, number>() };
    let ordinary = 0;
    for (const [key, lane] of running) {
      const group = groupOf(key);
      busy[lane].set(group, (busy[lane].get(group) ?? 0) + 1);
      if (lane === 'normal') ordinary += 1;
    }
    const may = (lane: Lane) => (group: string) => (busy[lane].get(group) ?? 0) < perGroup;
    const urgent = lanes.urgent.next(may('urgent'));
    if (urgent !== undefined) return [urgent, 'urgent'];
    const normal = ordinary < concurrency ? lanes.normal.next(may('normal')) : undefined;
    return normal === undefined ? undefined : [normal, 'normal'];
  };

  const pump = (): void => {
    if (signal === undefined) return;
    for (let turn = signal.aborted ? undefined : next(); turn !== undefined; turn = next()) {
      const [key, lane] = turn;
      running.set(key, lane);
      void work(key, signal).then(() => {
        running.delete(key);
        if (again.delete(key)) wait(key);
        pump();
      });
    }
    if (signal.aborted && running.size === 0) drained?.();
  };

  return {
    add,
    addAfter,
    depth: () => lanes.urgent.size + lanes.normal.size + again.size,
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
          lanes.urgent.clear();
          lanes.normal.clear();
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
