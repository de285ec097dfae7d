/** Keeps a copy of all objects of a kind and tells what changes, regardless of the connection. */
import { ChaosError, type Clock, type Logger } from '@chaosplane/common';
import { createCache, type Change, type IndexFunction } from './cache.ts';
import type { KubeClient, Selection } from './client.ts';
import { keyOf, refOf, refOfKey, resourceName, type KubeObject, type ObjectRef, type ResourceType } from './object.ts';
import { Reflector, type Destination } from './reflector.ts';

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

/** A copy of all objects of a kind. Objects in it are frozen in depth and have no managedFields. */
export interface Indexer<T extends KubeObject> {
  /** The kind, and what of it: `pods in shop`. */
  readonly name: string;
  /** Whether the copy has been whole once. */
  readonly synced: boolean;
  get(ref: ObjectRef): T | undefined;
  list(): readonly T[];
  /** Finds objects by keys of your choice, from now on. */
  addIndex(name: string, keysOf: IndexFunction<T>): void;
  byIndex(name: string, key: string): readonly T[];
}

/** A copy that follows. */
export interface Informer<T extends KubeObject> extends Indexer<T> {
  /** Resolves when the copy is whole, and goes on until the signal aborts; rejects with its reason if that comes first. */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Tells every change once, in order; first what is there already, as added. A handler that throws is logged and
   * hurts no other handler. Returns how to stop it.
   */
  onChange(handler: (change: Change<T>) => void): () => void;
  /** Milliseconds since the API server last said anything, bookmarks (about one a minute) included. */
  lastEventAgeMs(): number;
  /** How often it had to begin again because of an error. */
  readonly restarts: number;
}

const PAGE = 500;

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
  let started = false;
  let synced = false;

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
  const destination: Destination<T> = {
    replace(items) {
      const present = new Set(items.map((item) => keyOf(refOf(item))));
      for (const key of [...cache.keys()]) if (!present.has(key)) publish(cache.remove(refOfKey(key)));
      for (const item of items) publish(cache.put(item));
    },
    change: (happened, object) =>
      publish(happened === 'removed' ? cache.remove(refOf(object), object) : cache.put(object)),
  };
  const reflected = { type, selection, pageSize, watchSeconds, name };
  const reflector = new Reflector(reflected, destination, { client, clock, logger });

  return {
    name,
    start(signal) {
      if (started) return Promise.reject(new ChaosError('INTERNAL', `the informer of ${name} was started twice`));
      started = true;
      return new Promise((resolve, reject) => {
        const onSynced = (): void => {
          synced = true;
          resolve();
        };
        reflector.run(signal, onSynced).then(() => reject(signal.reason as Error), reject);
      });
    },
    get synced() {
      return synced;
    },
    get restarts() {
      return reflector.restarts;
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
    lastEventAgeMs: () => clock.monotonic() - reflector.heardAt,
  };
}

function nameOf<T extends KubeObject>(type: ResourceType<T>, options: InformerOptions): string {
  const { namespace, labelSelector, fieldSelector } = options;
  const where = namespace === undefined ? '' : ` in ${namespace}`;
  const which = [labelSelector, fieldSelector].filter((one) => one !== undefined).join(' and ');
  return `${resourceName(type)}${where}${which === '' ? '' : ` with ${which}`}`;
}
