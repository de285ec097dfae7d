/** What an informer knows: frozen objects by name, and indexes over them. */
import { keyOf, refOf, type KubeObject, type ObjectRef } from './object.ts';

/** A change of the cache. */
export interface Change<T extends KubeObject> {
  readonly type: 'added' | 'updated' | 'deleted';
  /** For `deleted`, the last state known. */
  readonly object: T;
  /** The state before; for `updated` only. */
  readonly previous?: T;
}

/** By which keys an object is found. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

export interface Cache<T extends KubeObject> {
  get(ref: ObjectRef): T | undefined;
  list(): readonly T[];
  addIndex(name: string, keysOf: IndexFunction<T>): void;
  byIndex(name: string, key: string): readonly T[];
  /** Takes an object in, frozen, and gives what changed by it: nothing when this version was there. */
  put(object: T): readonly Change<T>[];
  remove(ref: ObjectRef, last?: T): readonly Change<T>[];
  /** The keys (`keyOf`) of all objects. */
  keys(): Iterable<string>;
}

interface Index<T extends KubeObject> {
  readonly keysOf: IndexFunction<T>;
  readonly found: Map<string, Map<string, T>>;
}

export function createCache<T extends KubeObject>(): Cache<T> {
  const objects = new Map<string, T>();
  const indexes = new Map<string, Index<T>>();

  const enter = ({ keysOf, found }: Index<T>, key: string, object: T): void => {
    for (const indexKey of keysOf(object)) {
      const entry = found.get(indexKey) ?? new Map<string, T>();
      found.set(indexKey, entry.set(key, object));
    }
  };
  const leave = ({ keysOf, found }: Index<T>, key: string, object: T): void => {
    for (const indexKey of keysOf(object)) {
      const entry = found.get(indexKey);
      entry?.delete(key);
      if (entry?.size === 0) found.delete(indexKey);
    }
  };

  const remove = (ref: ObjectRef, last?: T): readonly Change<T>[] => {
    const key = keyOf(ref);
    const known = objects.get(key);
    if (known === undefined) return [];
    objects.delete(key);
    for (const index of indexes.values()) leave(index, key, known);
    return [{ type: 'deleted', object: last === undefined ? known : frozen(last) }];
  };

  const put = (object: T): readonly Change<T>[] => {
    const ref = refOf(object);
    const key = keyOf(ref);
    const previous = objects.get(key);
    if (previous !== undefined) {
      const { uid, resourceVersion } = previous.metadata;
      // Deleted and made again while the cache was cut off: two objects, not one that changed.
      if (uid !== object.metadata.uid) return [...remove(ref), ...put(object)];
      if (resourceVersion === object.metadata.resourceVersion) return [];
    }
    const kept = frozen(object);
    objects.set(key, kept);
    for (const index of indexes.values()) {
      if (previous !== undefined) leave(index, key, previous);
      enter(index, key, kept);
    }
    return [previous === undefined ? { type: 'added', object: kept } : { type: 'updated', object: kept, previous }];
  };

  return {
    get: (ref) => objects.get(keyOf(ref)),
    list: () => [...objects.values()],
    addIndex(name, keysOf) {
      const index: Index<T> = { keysOf, found: new Map() };
      for (const [key, object] of objects) enter(index, key, object);
      indexes.set(name, index);
    },
    byIndex: (name, key) => [...(indexes.get(name)?.found.get(key)?.values() ?? [])],
    put,
    remove,
    keys: () => objects.keys(),
  };
}

/** Frozen in depth, so that no caller can change what others see; without managedFields, which no caller reads. */
function frozen<T extends KubeObject>(object: T): T {
  delete (object.metadata as { managedFields?: unknown }).managedFields;
  return freeze(object);
}

function freeze<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
