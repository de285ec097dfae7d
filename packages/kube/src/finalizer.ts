/** Finalizers: our own word is put into the list or taken out of it, others' are left alone. */
import type { KubeClient } from './client.ts';
import { isConflict, isNotFound, KubeError } from './errors.ts';
import { refOf, resourceName, type KubeObject, type ResourceType } from './object.ts';

/** Others change the list too; five losses in a row are more than bad luck. */
const ATTEMPTS = 5;

/**
 * The object with this finalizer; nothing is written when it has it.
 * @throws KubeError 404 when the object is gone, 409 when another one has taken its name.
 */
export async function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T> {
  const changed = await change(client, type, object, signal, (before) =>
    before.includes(finalizer) ? before : [...before, finalizer],
  );
  if (changed !== undefined) return changed;
  const { name } = object.metadata;
  throw new KubeError(404, 'NotFound', `${resourceName(type)} ${name}: gone before its finalizer was added`);
}

/** The object without this finalizer. An object that is gone, or replaced by another of its name, has none any more. */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T> {
  const without = (before: readonly string[]): readonly string[] =>
    before.includes(finalizer) ? before.filter((one) => one !== finalizer) : before;
  const changed = await change(client, type, object, signal, without);
  if (changed !== undefined) return changed;
  const finalizers = without(object.metadata.finalizers ?? []);
  return { ...object, metadata: { ...object.metadata, finalizers } };
}

/** Undefined when the object is gone. */
async function change<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
  signal: AbortSignal | undefined,
  edit: (before: readonly string[]) => readonly string[],
): Promise<T | undefined> {
  const { uid } = object.metadata;
  let current: T = object;
  for (let attempt = 1; ; attempt += 1) {
    const before = current.metadata.finalizers ?? [];
    const finalizers = edit(before);
    if (finalizers === before) return current;
    // The uid is refused as a conflict when another object has taken the name; the version when the list may have changed.
    const body = { metadata: { uid, resourceVersion: current.metadata.resourceVersion, finalizers } };
    try {
      return await client.patch(type, refOf(current), { kind: 'merge', body }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      const fresh = await client.get(type, refOf(current), { signal });
      if (fresh === undefined || (uid !== undefined && fresh.metadata.uid !== uid)) return undefined;
      current = fresh;
    }
  }
}
