/** Finalizers: our own word is put into the list or taken out of it, others' are left alone. */
import type { KubeClient } from './client.ts';
import { isConflict, isNotFound } from './errors.ts';
import { refOf, type KubeObject, type ResourceType } from './object.ts';

/** Others change the list too; five losses in a row are more than bad luck. */
const ATTEMPTS = 5;

/**
 * The object with this finalizer; nothing is written when it has it. What was decided of the object as it was read must still
 * hold, so that another version is refused.
 * @throws KubeError 404 when the object is gone, 409 when it has changed or another one has taken its name.
 */
export async function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T> {
  const { finalizers = [] } = object.metadata;
  return finalizers.includes(finalizer) ? object : write(client, type, object, [...finalizers, finalizer], signal);
}

/** The object without this finalizer. An object that is gone, or replaced by another of its name, has none any more. */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T> {
  const { uid } = object.metadata;
  let current: T = object;
  for (let attempt = 1; ; attempt += 1) {
    const { finalizers = [] } = current.metadata;
    if (!finalizers.includes(finalizer)) return current;
    const left = finalizers.filter((one) => one !== finalizer);
    const gone = { ...object, metadata: { ...object.metadata, finalizers: left } };
    try {
      return await write(client, type, current, left, signal);
    } catch (error) {
      if (isNotFound(error)) return gone;
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      const fresh = await client.get(type, refOf(current), { signal });
      if (fresh === undefined || (uid !== undefined && fresh.metadata.uid !== uid)) return gone;
      current = fresh;
    }
  }
}

/** The uid is refused as a conflict when another object has taken the name; the version when anything has changed. */
function write<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
  finalizers: readonly string[],
  signal: AbortSignal | undefined,
): Promise<T> {
  const { uid, resourceVersion } = object.metadata;
  const body = { metadata: { uid, resourceVersion, finalizers } };
  return client.patch(type, refOf(object), { kind: 'merge', body }, { signal });
}
