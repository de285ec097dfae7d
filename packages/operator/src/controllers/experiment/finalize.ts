/** What is left to do for an experiment that is over: to let go of it once nothing of it can be on a node any more. */
import { chaosExperiments, FINALIZER, withTargets, type TargetStatus } from '@chaosplane/api';
import { removeFinalizer } from '@chaosplane/kube';
import type { Next } from '@chaosplane/lifecycle';
import { executionsOf, type ExecutionsParts } from './observe.ts';
import type { ControllerParts } from './parts.ts';
import { logRecovered } from './report.ts';
import type { Store } from './store.ts';
import type { Visit } from './visit.ts';

/** What is needed to let go of an experiment. */
export interface FinalizeParts extends ExecutionsParts, Pick<ControllerParts, 'client'> {
  readonly store: Store;
  readonly signal: AbortSignal;
}

/** How long to wait before a recovery that is not complete is looked at again. */
const RETRY_MS = 2000;

/** Ends when every execution has ended: by the TTL where the experiment leaves its end to that, at once when it is deleted. */
export async function finalize(visit: Visit, parts: FinalizeParts): Promise<Next> {
  const { executor, signal, client, store } = parts;
  const { stored } = visit;
  const { metadata } = stored.object;
  if (metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  const open = visit.status.targets.filter(({ state }) => state === 'Injected');
  if (open.length > 0 || stored.incomplete) {
    let executions = await executionsOf(visit, open, parts);
    const live = (): string[] => [...executions].filter((entry) => entry[1].live).map(([id]) => id);
    if (metadata.deletionTimestamp !== undefined && live().length > 0) {
      await executor.cancel(live(), open);
      executions = await executionsOf(visit, open, parts);
    }
    const ended = open.filter(({ executionId }) => executions.get(executionId ?? '')?.live === false);
    const changes = ended.map(({ uid }): [string, Partial<TargetStatus>] => [uid, { state: 'Recovered' }]);
    if (ended.length > 0) {
      visit.status = withTargets(visit.status, new Map(changes));
      visit.stored = await store.save(visit.stored, visit.status, signal);
      logRecovered(stored.status, visit.status, parts);
    }
    if (live().length > 0 || ended.length < open.length) return { requeueAfterMs: RETRY_MS };
  }
  await removeFinalizer(client, chaosExperiments, visit.stored.object, FINALIZER, signal);
  return undefined;
}
