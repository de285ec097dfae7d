/** A copy of the objects of a kind as they are at one moment; it does not follow. */
import { createCache } from './cache.ts';
import type { Indexer } from './informer.ts';
import type { KubeObject } from './object.ts';

/** Takes the objects, and freezes them. `name` is for messages: `pods in shop`. */
export function createSnapshot<T extends KubeObject>(name: string, objects: readonly T[]): Indexer<T> {
  const { get, list, addIndex, byIndex, put } = createCache<T>();
  for (const object of objects) put(object);
  return { name, synced: true, get, list, addIndex, byIndex };
}
