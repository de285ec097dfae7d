/** Searches the network namespaces of pods that no record speaks of, and cleans them. */
import type { Netns, Sandbox } from '../../contract/host.ts';
import type { DriverContext } from '../context.ts';
import type { Orphans } from './driver.ts';

/** What is searched for. */
export interface PodSearch {
  /** In words, for the log. */
  readonly what: string;
  /** Removes it. Resolves with whether anything of it was there. */
  clean(netns: Netns): Promise<boolean>;
}

/**
 * Searches the pods of `listed` that are ready, but for the sandboxes that are known; `listed` is undefined where they could not be
 * listed. Returns the paths of the namespaces that it cleaned.
 */
export async function searchPods(
  { host, logger }: DriverContext,
  listed: readonly Sandbox[] | undefined,
  known: ReadonlySet<string>,
  { what, clean }: PodSearch,
): Promise<Orphans> {
  const found: string[] = [];
  let complete = listed !== undefined;
  for (const one of listed ?? []) {
    if (!one.ready || known.has(one.id)) continue;
    try {
      const sandbox = await host.runtime.describe(one);
      if (sandbox?.netnsPath === undefined || sandbox.hostNetwork) continue;
      const netns = host.openNetns(sandbox.netnsPath);
      try {
        if (await clean(netns)) found.push(sandbox.netnsPath);
      } finally {
        await netns.close();
      }
    } catch (error) {
      logger.warn({ err: error, sandboxId: one.id }, `pod could not be searched for ${what}`);
      complete = false;
    }
  }
  return { found, complete };
}
