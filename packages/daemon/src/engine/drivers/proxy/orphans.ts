/** Removes what proxies of a killed daemon left in pods that no record speaks of: a rule and a route without effect. */
import type { DriverContext } from '../../context.ts';
import type { Orphans } from '../driver.ts';

/** Searches the node's pods, but for the sandboxes that are known. */
export async function sweepProxies({ host, logger }: DriverContext, known: ReadonlySet<string>): Promise<Orphans> {
  const found: string[] = [];
  let complete = true;
  try {
    for (const listed of await host.runtime.sandboxes()) {
      const { id, ready } = listed;
      if (!ready || known.has(id)) continue;
      try {
        const sandbox = await host.runtime.describe(listed);
        if (sandbox?.netnsPath === undefined || sandbox.hostNetwork) continue;
        const netns = host.openNetns(sandbox.netnsPath);
        try {
          if (!host.ownNetnsCookies.includes(netns.cookie) && netns.removeProxyTraces()) found.push(sandbox.netnsPath);
        } finally {
          await netns.close();
        }
      } catch (error) {
        logger.warn({ err: error, sandboxId: id }, 'pod could not be searched for traces of proxies');
        complete = false;
      }
    }
  } catch {
    // Said by the search for orphans of the network already.
    complete = false;
  }
  return { found, complete };
}
