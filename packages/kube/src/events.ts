/** Records events about objects: in the background, equal ones as one with a count, never too many of one object. */
import { asChaosError, backoff, type Clock, defined, type Logger, type Timer } from '@chaosplane/common';
import type { KubeClient } from './client.ts';
import { isAlreadyExists, isNotFound } from './errors.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { events, type KubeEvent } from './kinds.ts';
import { microTime } from './micro-time.ts';
import { shortName, type KubeObject } from './object.ts';

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase: why this is told. */
  readonly reason: string;
  /** One word in CamelCase: what was done. Default: the reason. */
  readonly action?: string;
  /** For people; cut at 1024 bytes. */
  readonly message: string;
}

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

interface Entry {
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
const MOST_ENTRIES = 1000;
const STOP_MS = 5_000;

export function createEventRecorder({ client, clock, logger, component, instance }: Parts): EventRecorder {
  const entries = new Map<string, Entry>();
  // Of one object, 25 different events at once and one each 12 s thereafter.
  const limiter = createRateLimiter({ burst: 25, perSecond: 1 / 12 }, clock);
  let writing: Promise<void> | undefined;
  let wake: Timer | undefined;
  let stopped = false;

  const draft = (object: KubeObject, { type, reason, action, message }: RecordedEvent): KubeEvent => {
    const { apiVersion, kind, metadata } = object;
    const { name, uid, resourceVersion } = metadata;
    // Events about objects without a namespace live in `default`; the API server wants it so.
    const namespace = metadata.namespace ?? 'default';
    return {
      apiVersion: events.apiVersion,
      kind: events.kind,
      metadata: { namespace, name: eventName(name) },
      eventTime: microTime(clock.now()),
      reportingController: component,
      reportingInstance: instance.slice(0, 128),
      action: action ?? reason,
      reason,
      type,
      note: cut(message),
      regarding: {
        apiVersion,
        kind,
        name,
        ...defined({ namespace: metadata.namespace, uid, resourceVersion }),
      },
    };
  };
  /** The API server allows 253 characters. */
  const eventName = (name: string): string => `${shortName(name, 236)}.${clock.randomHex(8)}`;

  const note = (object: KubeObject, recorded: RecordedEvent): void => {
    const now = clock.monotonic();
    const { kind, metadata } = object;
    const about = metadata.uid ?? `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
    const key = JSON.stringify([about, recorded.type, recorded.reason, recorded.action, recorded.message]);
    const known = entries.get(key);
    if (known !== undefined && now - known.seenAt < SERIES_MS) {
      known.count += 1;
      known.seenAt = now;
    } else if (limiter.take(about)) {
      for (const [old, { seenAt, count, written }] of entries) {
        // Those that are written are kept only to count what comes again.
        if ((now - seenAt >= SERIES_MS && written === count) || entries.size >= MOST_ENTRIES) entries.delete(old);
      }
      const event = draft(object, recorded);
      entries.set(key, { key, event, count: 1, written: 0, due: now, seenAt: now, failures: undefined, attempts: 0 });
    } else {
      logger.debug({ object: metadata.name, reason: recorded.reason }, 'event dropped, too many of this object');
      return;
    }
    pump();
  };

  const send = async (entry: Entry, count: number): Promise<void> => {
    const { event } = entry;
    const lastObservedTime = microTime(clock.now() - (clock.monotonic() - entry.seenAt));
    const series = count < 2 ? {} : { series: { count, lastObservedTime } };
    if (entry.written > 0) {
      try {
        await client.patch(events, event.metadata, { kind: 'merge', body: series });
        return;
      } catch (error) {
        // Events live for an hour; a longer series goes on in a new one.
        if (!isNotFound(error)) throw error;
        entry.event = { ...event, metadata: { ...event.metadata, name: eventName(event.regarding?.name ?? '') } };
      }
    }
    try {
      await client.create(events, { ...entry.event, ...series });
    } catch (error) {
      // An earlier try arrived, its answer did not.
      if (!isAlreadyExists(error)) throw error;
    }
  };

  const write = async (entry: Entry): Promise<void> => {
    const { count } = entry;
    try {
      await send(entry, count);
      Object.assign(entry, { written: count, due: clock.monotonic() + UPDATE_MS, failures: undefined, attempts: 0 });
    } catch (error) {
      const { code } = asChaosError(error);
      entry.attempts += 1;
      const worthIt = (code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED') && entry.attempts < ATTEMPTS;
      if (worthIt) {
        entry.failures ??= backoff({ firstMs: 1000, factor: 3, longestMs: 60_000, clock });
        entry.due = clock.monotonic() + entry.failures.next().value;
      } else {
        entries.delete(entry.key);
        logger.warn({ reason: entry.event.reason, regarding: entry.event.regarding, err: error }, 'event not written');
      }
    }
  };

  const pending = (): Entry[] => [...entries.values()].filter(({ count, written }) => count > written);

  const writeAll = async (): Promise<void> => {
    for (;;) {
      const now = clock.monotonic();
      const entry = pending().find(({ due }) => due <= now);
      if (entry === undefined) break;
      await write(entry);
    }
  };

  const pump = (): void => {
    if (writing !== undefined) return;
    wake?.cancel();
    writing = writeAll().finally(() => {
      writing = undefined;
      const next = Math.min(...pending().map(({ due }) => due));
      if (Number.isFinite(next) && !stopped) wake = clock.after(Math.max(0, next - clock.monotonic()), pump);
    });
  };

  const flush = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    const all = async (): Promise<void> => {
      // A round that is under way may be past what was noted last.
      await writing;
      for (const entry of pending()) entry.due = clock.monotonic();
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
        note(object, event);
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
      const left = pending().length;
      if (left > 0) logger.warn({ left }, 'events not written at the end');
    },
  };
}

/** The note of an event has at most 1024 bytes. */
function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= 1024) return message;
  // A character cut in two becomes U+FFFD of three bytes.
  return `${bytes
    .subarray(0, 1018)
    .toString()
    .replace(/\uFFFD$/, '')}…`;
}
