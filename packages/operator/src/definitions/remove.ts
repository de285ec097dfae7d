/** Takes the resource definitions out of a cluster, and with them every object of their kinds. */
import type { Clock, Logger } from '@chaosplane/common';
import { keyOf, resourceName, type KubeClient, type KubeObject, type ResourceType } from '@chaosplane/kube';
import { customResourceDefinitions } from './definition.ts';
import { isListed } from './served.ts';

const LOOK_AGAIN_MS = 500;
/** So many objects that hold a definition back are named. */
const NAMED = 5;

/**
 * Deletes the definitions of these kinds; the API server then deletes their objects. Resolves when they are gone, or after
 * `timeoutMs` while finalizers of others hold objects: the log names those, and the API server goes on when they are let go of.
 */
export async function removeDefinitions(
  types: readonly ResourceType<KubeObject>[],
  {
    client,
    clock,
    logger,
    signal,
  }: {
    readonly client: Pick<KubeClient, 'get' | 'list' | 'delete'>;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly signal?: AbortSignal;
  },
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs;
  const nameOf = (type: ResourceType<KubeObject>) => ({ name: resourceName(type) });
  for (const type of types) {
    // The API server lists the objects itself to delete them. Where it has no storage for that yet, it fails and goes on failing:
    // "could not list instances: storage is (re)initializing" of Kubernetes 1.34, for minutes.
    const exists = async (): Promise<boolean> =>
      (await client.get(customResourceDefinitions, nameOf(type), { signal })) !== undefined;
    while (clock.monotonic() < deadline && (await exists()) && !(await isListed(type, client, signal)))
      await clock.sleep(LOOK_AGAIN_MS, signal);
    await client.delete(customResourceDefinitions, nameOf(type), { signal });
  }
  for (;;) {
    const found = await Promise.all(
      types.map((type) => client.get(customResourceDefinitions, nameOf(type), { signal })),
    );
    const left = types.filter((_, index) => found[index] !== undefined);
    if (left.length === 0) {
      logger.info({ definitions: types.map(resourceName) }, 'resource definitions are removed');
      return;
    }
    if (clock.monotonic() > deadline) {
      const held = (await Promise.all(left.map((type) => heldOf(client, type, signal)))).flat();
      const definitions = left.map(resourceName);
      logger.warn({ definitions, held }, 'resource definitions are being removed as soon as finalizers let go');
      return;
    }
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** Objects that finalizers hold: `namespace/name: finalizers`. A kind whose definition has just gone has none. */
async function heldOf(
  client: Pick<KubeClient, 'list'>,
  type: ResourceType<KubeObject>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const items = await client.list(type, { limit: 500, signal }).then(
    ({ items: all }) => all,
    () => [],
  );
  return items
    .filter(({ metadata: { finalizers = [] } }) => finalizers.length > 0)
    .slice(0, NAMED)
    .map(({ metadata }) => `${keyOf(metadata)}: ${metadata.finalizers?.join(', ')}`);
}
