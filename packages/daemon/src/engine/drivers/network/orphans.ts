/** Removes our marks from pods that no record speaks of: what is left when a journal was lost. */
import { isNothing, readPresent } from '../../../netns/inventory.ts';
import { Namespace } from '../../../netns/namespace.ts';
import type { DriverContext } from '../../context.ts';
import type { Orphans } from '../driver.ts';
import { searchPods } from '../search-pods.ts';

/** Searches the node's pods, but for the sandboxes that are known. Returns the paths of the namespaces that it cleaned. */
export async function sweepPods(context: DriverContext, known: ReadonlySet<string>): Promise<Orphans> {
  const { host, logger, clock } = context;
  const listed = await host.runtime.sandboxes().catch((error: unknown) => {
    logger.warn({ err: error }, 'pods could not be listed to search them for orphans');
    return undefined;
  });
  return searchPods(context, listed, known, {
    what: 'orphans',
    async clean(netns) {
      if (isNothing(await readPresent(netns))) return false;
      await new Namespace(netns, clock, { fresh: false }).restore([], []);
      return true;
    },
  });
}
