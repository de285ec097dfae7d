/** Keeps a copy of all objects of a kind and tells what changes, regardless of the connection. */
import { backoff, ChaosError, type Clock, type Logger } from '@chaosplane/common';
import { createCache, type Change, type IndexFunction } from './cache.ts';
import type { KubeClient, ListResult, Selection } from './client.ts';
import { isGone, KubeError } from './errors.ts';
import { keyOf, refOf, refOfKey, resourceName, type KubeObject, type ObjectRef, type ResourceType } from './object.ts';

export type { Change, IndexFunction } from './cache.ts';

export interface InformerOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects a page of the list. Default 500. */
  readonly pageSize?: number | undefined;
  /** How long one watch lasts before it is begun again where it ended. Default 240 to 300, at random. */
  readonly watchSeconds?: number | undefined;
}

/** A copy that follows. Objects in it are frozen in depth and have no managedFields. */
export interface Informer<T extends KubeObject> {
  /** The kind, and what of it: `pods in shop`. */
  readonly name: string;
  /** Resolves when the copy is whole, and goes on until the signal aborts; rejects with its reason if that comes first. */
  start(signal: AbortSignal): Promise<void>;
  /** Whether the copy has been whole once. */
  readonly synced: boolean;
  get(ref: ObjectRef): T | undefined;
  list(): readonly T[];
  /**
   * Tells every change once, in order; first what is there already, as added. A handler that throws is logged and
   * hurts no other handler. Returns how to stop it.
   */
  onChange(handler: (change: Change<T>) => void): () => void;
  /** Finds objects by keys of your choice, from now on. */
  addIndex(name: string, keysOf: IndexFunction<T>): void;
  byIndex(name: string, key: string): readonly T[];
  /** Milliseconds since the API server last said anything, bookmarks (about one a minute) included. */
  lastEventAgeMs(): number;
  /** How often it had to begin again because of an error. */
  readonly restarts: number;
}

const PAGE = 500;
/** A watch that ends sooner than this without an event has done no good: the next one waits. */
const SHORT_WATCH_MS = 1000;

interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createInformer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  options: InformerOptions,
  { clock, logger }: Parts,
): Informer<T> {
  const { namespace, labelSelector, fieldSelector, pageSize = PAGE, watchSeconds } = options;
  const selection: Selection = { namespace, labelSelector, fieldSelector };
  const name = nameOf(type, options);
  const cache = createCache<T>();
  const handlers = new Set<(change: Change<T>) => void>();
  let synced = false;
  let restarts = 0;
  let heardAt = clock.monotonic();
  /** Where the stream is; undefined when only a list can tell. */
  let position: string | undefined;

  const tell = (handler: (change: Change<T>) => void, change: Change<T>): void => {
    try {
      handler(change);
    } catch (error) {
      logger.error({ informer: name, object: keyOf(refOf(change.object)), err: error }, 'informer handler failed');
    }
  };
  const publish = (changes: readonly Change<T>[]): void => {
    for (const change of changes) for (const handler of [...handlers]) tell(handler, change);
  };

  const listAll = async (signal: AbortSignal): Promise<ListResult<T>> => {
    const first = await client.list(type, { ...selection, limit: pageSize, signal });
    const items = [...first.items];
    let page = first;
    while (page.continue !== undefined) {
      try {
        page = await client.list(type, { ...selection, limit: pageSize, continue: page.continue, signal });
      } catch (error) {
        // The pages lasted longer than the server remembers that version; one large answer cannot expire.
        if (isGone(error)) return client.list(type, { ...selection, signal });
        throw error;
      }
      items.push(...page.items);
    }
    return { items, resourceVersion: first.resourceVersion };
  };

  const relist = async (signal: AbortSignal): Promise<void> => {
    const { items, resourceVersion } = await listAll(signal);
    heardAt = clock.monotonic();
    const present = new Set(items.map((item) => keyOf(refOf(item))));
    for (const key of [...cache.keys()]) if (!present.has(key)) publish(cache.remove(refOfKey(key)));
    for (const item of items) publish(cache.put(item));
    position = resourceVersion;
  };

  /** Follows one watch to its end; `progress` is called for each sign that watching does some good. */
  const follow = async (resourceVersion: string, signal: AbortSignal, progress: () => void): Promise<void> => {
    const began = clock.monotonic();
    const heard = (): void => {
      heardAt = clock.monotonic();
    };
    const timeoutSeconds = watchSeconds ?? 240 + Math.floor(60 * clock.random());
    const watch = client.watch(type, { ...selection, resourceVersion, timeoutSeconds, opened: heard, signal });
    let events = 0;
    for await (const { type: happened, object } of watch) {
      heard();
      const version = object.metadata.resourceVersion;
      // Told before: a server that begins the stream again elsewhere may repeat itself.
      if (version === undefined || isPast(version, position)) continue;
      position = version;
      events += 1;
      progress();
      if (happened === 'BOOKMARK') continue;
      publish(happened === 'DELETED' ? cache.remove(refOf(object), object) : cache.put(object));
    }
    const lastedMs = clock.monotonic() - began;
    if (events === 0 && lastedMs < SHORT_WATCH_MS) {
      throw new KubeError(0, 'Network', `watch of ${name}: ended after ${Math.round(lastedMs)} ms without an event`);
    }
    progress();
  };

  const run = async (signal: AbortSignal, onSynced: () => void): Promise<void> => {
    const newWaits = () => backoff({ firstMs: 200, factor: 2, longestMs: 30_000, clock });
    let waits = newWaits();
    for (;;) {
      try {
        if (position === undefined) {
          await relist(signal);
          synced = true;
          onSynced();
        }
        // Set by the relist, which the compiler cannot see.
        await follow(position ?? '', signal, () => (waits = newWaits()));
      } catch (error) {
        if (signal.aborted) return;
        if (isGone(error)) position = undefined;
        restarts += 1;
        const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
        const waitMs = Math.round(Math.max(waits.next().value, asked));
        // A copy that was cut off for a while is ordinarily too old.
        logger[isGone(error) ? 'info' : 'warn']({ informer: name, waitMs, err: error }, 'informer begins again');
        const woken = await clock.sleep(waitMs, signal).then(
          () => true,
          () => false,
        );
        if (!woken) return;
      }
    }
  };

  let started = false;
  return {
    name,
    start(signal) {
      if (started) return Promise.reject(new ChaosError('INTERNAL', `the informer of ${name} was started twice`));
      started = true;
      return new Promise((resolve, reject) => {
        run(signal, resolve).then(() => reject(signal.reason as Error), reject);
      });
    },
    get synced() {
      return synced;
    },
    get restarts() {
      return restarts;
    },
    get: cache.get,
    list: cache.list,
    onChange(handler) {
      for (const object of cache.list()) tell(handler, { type: 'added', object });
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    addIndex: cache.addIndex,
    byIndex: cache.byIndex,
    lastEventAgeMs: () => clock.monotonic() - heardAt,
  };
}

function nameOf<T extends KubeObject>(type: ResourceType<T>, options: InformerOptions): string {
  const { namespace, labelSelector, fieldSelector } = options;
  const where = namespace === undefined ? '' : ` in ${namespace}`;
  const which = [labelSelector, fieldSelector].filter((one) => one !== undefined).join(' and ');
  return `${resourceName(type)}${where}${which === '' ? '' : ` with ${which}`}`;
}

/**
 * Whether a version is no later than a position. Versions are numbers that grow (KEP-5504 makes that a promise);
 * what is not a number, as of an aggregated API, is taken as later unless it is the same.
 */
function isPast(version: string, position: string | undefined): boolean {
  if (position === undefined) return false;
  const digits = /^[1-9]\d*$/;
  if (!digits.test(version) || !digits.test(position)) return version === position;
  return BigInt(version) <= BigInt(position);
}
