/** The phases of all experiments of a namespace, in the order in which a watch tells them. */
import { chaosExperiments } from '@chaosplane/api';
import type { KubeClient } from '@chaosplane/kube';
import { patient } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

export interface Phases {
  /** Those of one experiment that has ended, from its creation on. */
  of(name: string): Promise<readonly string[]>;
  /** @throws what ended the watch early. */
  stop(): Promise<void>;
}

const LAST = ['Completed', 'Failed', 'Aborted'];

/** Watches from now on. What has no status yet is Pending. */
export async function watchPhases(client: KubeClient, namespace: string): Promise<Phases> {
  const seen = new Map<string, string[]>();
  const over = new AbortController();
  const { resourceVersion } = await client.list(chaosExperiments, { namespace });
  const watching = (async () => {
    const selection = { namespace, resourceVersion, timeoutSeconds: 1800, signal: over.signal };
    for await (const { type, object } of client.watch(chaosExperiments, selection)) {
      if (type === 'BOOKMARK' || type === 'DELETED') continue;
      const { name } = object.metadata;
      const phases = seen.get(name) ?? [];
      const phase = object.status?.phase ?? 'Pending';
      if (phases.at(-1) !== phase) seen.set(name, [...phases, phase]);
    }
  })();
  const ended = watching.catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  ended.catch(() => undefined);
  return {
    of: (name) =>
      eventually(`the watch tells the end of ${name}`, () => seen.get(name) ?? [], {
        ...patient,
        is: (phases) => LAST.includes(phases.at(-1) ?? ''),
      }),
    async stop() {
      over.abort();
      await ended;
    },
  };
}
