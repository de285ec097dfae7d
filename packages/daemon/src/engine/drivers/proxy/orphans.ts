/** Removes what proxies of a killed daemon left in pods that no record speaks of: a rule and a route without effect. */
import type { DriverContext } from '../../context.ts';
import type { Orphans } from '../driver.ts';
import { searchPods } from '../search-pods.ts';

/** Searches the node's pods, but for the sandboxes that are known. */
export async function sweepProxies(context: DriverContext, known: ReadonlySet<string>): Promise<Orphans> {
  const { host } = context;
  // That they cannot be listed is said by the search for orphans of the network already.
  const listed = await host.runtime.sandboxes().catch(() => undefined);
  return searchPods(context, listed, known, {
    what: 'traces of proxies',
    clean: async (netns) => !host.ownNetnsCookies.includes(netns.cookie) && netns.removeProxyTraces(),
  });
}
