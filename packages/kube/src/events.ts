/** Records events about objects: in the background, equal ones as one with a count, never too many of one object. */
import { asChaosError, backoff, type Clock, type Logger, type Timer } from '@chaosplane/common';
import type { KubeClient } from './client.ts';
import { isAlreadyExists, isNotFound } from './errors.ts';
import { eventFor, eventName, identityOf, type RecordedEvent } from './event-object.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { events, type KubeEvent } from './kinds.ts';
import { microTime } from './micro-time.ts';
import type { KubeObject } from './object.ts';

export type { RecordedEvent } from './event-object.ts';

export interface EventRecorder {
  /** Notes an event and returns at once; it is written later. Never throws. */
  record(object: KubeObject, event: RecordedEvent): void;
  /** Resolves when all that was noted has been written, or tried; rejects with the signal's reason. */
  flush(signal: AbortSignal): Promise<void>;
  /** Writes what is left, for at most 5 seconds, and notes nothing more. */
  stop(): Promise<void>;
}

interface Parts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The controller: `example.io/controller`. */
  readonly component: string;
  /** Which of its instances: the name of the pod. */
  readonly instance: string;
}

/** Equal events, as one. */
interface Series {
  readonly key: string;
  event: KubeEvent;
  count: number;
  /** How many of them the API server knows. */
  written: number;
  /** Not written again before, on the monotonic clock. */
  due: number;
  seenAt: number;
  failures: Iterator<number, never> | undefined;
  attempts: number;
}

/** As client-go: after six quiet minutes the same event is a new one. */
const SERIES_MS = 6 * 60_000;
/** A count is written at most this often. */
const UPDATE_MS = 10_000;
const ATTEMPTS = 6;
const MOST_SERIES = 1000;
const STOP_MS = 5_000;

export function createEventRecorder(parts: Parts): EventRecorder {
  const { clock, logger } = parts;
  const noted = createNotes(parts);
  let writing: Promise<void> | undefined;
  let wake: Timer | undefined;
  let stopped = false;

  const writeAll = async (): Promise<void> => {
    for (;;) {
      const now = clock.monotonic();
      const series = noted.pending().find(({ due }) => due <= now);
      if (series === undefined) break;
      if ((await write(series, parts)) === 'given up') noted.forget(series);
    }
  };

  const pump = (): void => {
    if (writing !== undefined) return;
    wake?.cancel();
    writing = writeAll().finally(() => {
      writing = undefined;
      const next = Math.min(...noted.pending().map(({ due }) => due));
      if (Number.isFinite(next) && !stopped) wake = clock.after(Math.max(0, next - clock.monotonic()), pump);
    });
  };

  const flush = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    const all = async (): Promise<void> => {
      // A round that is under way may be past what was noted last.
      await writing;
      for (const series of noted.pending()) series.due = clock.monotonic();
      pump();
      await writing;
    };
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([all(), aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };

  return {
    record(object, event) {
      if (stopped) return;
      try {
        if (noted.add(object, event)) pump();
        else
          logger.debug(
            { object: object.metadata.name, reason: event.reason },
            'event dropped, too many of this object',
          );
      } catch (error) {
        logger.error({ reason: event.reason, err: error }, 'event not noted');
      }
    },
    flush,
    async stop() {
      stopped = true;
      const enough = new AbortController();
      const timer = clock.after(STOP_MS, () => enough.abort());
      await flush(enough.signal).catch(() => undefined);
      timer.cancel();
      wake?.cancel();
      const left = noted.pending().length;
      if (left > 0) logger.warn({ left }, 'events not written at the end');
    },
  };
}

/** What was noted, as series. */
function createNotes({ clock, component, instance }: Parts) {
  const all = new Map<string, Series>();
  // Of one object, 25 different events at once and one each 12 s thereafter.
  const limiter = createRateLimiter({ burst: 25, perSecond: 1 / 12 }, clock);

  const makeRoom = (now: number): void => {
    for (const [key, { seenAt, count, written }] of all) {
      // Those that are written are kept only to count what comes again.
      if ((now - seenAt >= SERIES_MS && written === count) || all.size >= MOST_SERIES) all.delete(key);
    }
  };

  return {
    /** Counts an event where it is known; false when there are too many of its object. */
    add(object: KubeObject, recorded: RecordedEvent): boolean {
      const now = clock.monotonic();
      const about = identityOf(object);
      const key = JSON.stringify([about, recorded.type, recorded.reason, recorded.action, recorded.message]);
      const known = all.get(key);
      if (known !== undefined && now - known.seenAt < SERIES_MS) {
        known.count += 1;
        known.seenAt = now;
        return true;
      }
      if (!limiter.take(about)) return false;
      makeRoom(now);
      const name = eventName(object.metadata.name, clock.randomHex(8));
      const event = eventFor(object, recorded, { component, instance, name, now: clock.now() });
      all.set(key, { key, event, count: 1, written: 0, due: now, seenAt: now, failures: undefined, attempts: 0 });
      return true;
    },
    /** Those of which the API server does not know all. */
    pending: (): Series[] => [...all.values()].filter(({ count, written }) => count > written),
    forget: ({ key }: Series) => void all.delete(key),
  };
}

/** Writes what the API server does not know of a series; of what cannot be written now, when it is tried again. */
async function write(series: Series, { client, clock, logger }: Parts): Promise<'written' | 'later' | 'given up'> {
  const { count } = series;
  try {
    await send(series, count, { client, clock });
    Object.assign(series, { written: count, due: clock.monotonic() + UPDATE_MS, failures: undefined, attempts: 0 });
    return 'written';
  } catch (error) {
    const { code } = asChaosError(error);
    series.attempts += 1;
    const worthIt = (code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED') && series.attempts < ATTEMPTS;
    if (worthIt) {
      series.failures ??= backoff({ firstMs: 1000, factor: 3, longestMs: 60_000, clock });
      series.due = clock.monotonic() + series.failures.next().value;
      return 'later';
    }
    logger.warn({ reason: series.event.reason, regarding: series.event.regarding, err: error }, 'event not written');
    return 'given up';
  }
}

async function send(each: Series, count: number, { client, clock }: Pick<Parts, 'client' | 'clock'>): Promise<void> {
  const { event } = each;
  const lastObservedTime = microTime(clock.now() - (clock.monotonic() - each.seenAt));
  const series = count < 2 ? {} : { series: { count, lastObservedTime } };
  if (each.written > 0) {
    try {
      await client.patch(events, event.metadata, { kind: 'merge', body: series });
      return;
    } catch (error) {
      // Events live for an hour; a longer series goes on in a new one.
      if (!isNotFound(error)) throw error;
      const name = eventName(event.regarding?.name ?? '', clock.randomHex(8));
      each.event = { ...event, metadata: { ...event.metadata, name } };
    }
  }
  try {
    await client.create(events, { ...each.event, ...series });
  } catch (error) {
    // An earlier try arrived, its answer did not.
    if (!isAlreadyExists(error)) throw error;
  }
}
