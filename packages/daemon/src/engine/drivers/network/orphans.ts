/** Removes our marks from pods that no record speaks of: what is left when a journal was lost. */
import type { Sandbox } from '../../../contract/host.ts';
import { isNothing, readPresent } from '../../../netns/inventory.ts';
import { Namespace } from '../../../netns/namespace.ts';
import type { DriverContext } from '../../context.ts';
import type { Orphans } from '../driver.ts';

/** Searches the node's pods, but for the sandboxes that are known. Returns the paths of the namespaces that it cleaned. */
export async function sweepPods(context: DriverContext, known: ReadonlySet<string>): Promise<Orphans> {
  const { host, logger } = context;
  const found: string[] = [];
  let complete = true;
  try {
    for (const listed of await host.runtime.sandboxes()) {
      const { id, ready } = listed;
      if (!ready || known.has(id)) continue;
      const path = await cleanPod(context, listed).catch((error: unknown) => {
        logger.warn({ err: error, sandboxId: id }, 'pod could not be searched for orphans');
        complete = false;
        return undefined;
      });
      if (path !== undefined) found.push(path);
    }
  } catch (error) {
    logger.warn({ err: error }, 'pods could not be listed to search them for orphans');
    complete = false;
  }
  return { found, complete };
}

/** The path of the pod's namespace when something of ChaosPlane was found there, and removed. */
async function cleanPod({ host, clock }: DriverContext, listed: Sandbox): Promise<string | undefined> {
  const sandbox = await host.runtime.describe(listed);
  if (sandbox?.netnsPath === undefined || sandbox.hostNetwork) return undefined;
  const netns = host.openNetns(sandbox.netnsPath);
  try {
    if (isNothing(await readPresent(netns))) return undefined;
    await new Namespace(netns, clock, { fresh: false }).restore([], []);
    return sandbox.netnsPath;
  } finally {
    await netns.close();
  }
}
