/** What is left to do for an experiment that is over: to let go of it once nothing of it can be on a node any more. */
import { withTargets, type TargetStatus, chaosExperiments, FINALIZER } from '@chaosplane/api';
import { removeFinalizer } from '@chaosplane/kube';
import { executionsOf } from './observe.ts';
import { logRecovered } from './report.ts';
import type { Next, Run } from './run.ts';

/** How long to wait before a recovery that is not complete is looked at again. */
const RETRY_MS = 2000;

/** Ends when every execution has ended: by the TTL where the experiment leaves its end to that, at once when it is deleted. */
export async function finalize(run: Run): Promise<Next> {
  const { executor, stored, signal, client, store } = run;
  const { metadata } = stored.object;
  if (metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  const open = run.status.targets.filter(({ state }) => state === 'Injected');
  if (open.length > 0 || stored.incomplete) {
    let executions = await executionsOf(run, open);
    const live = (): string[] => [...executions].filter((entry) => entry[1].live).map(([id]) => id);
    if (metadata.deletionTimestamp !== undefined && live().length > 0) {
      await executor.cancel(live(), open);
      executions = await executionsOf(run, open);
    }
    const ended = open.filter(({ executionId }) => executions.get(executionId ?? '')?.live === false);
    const changes = ended.map(({ uid }): [string, Partial<TargetStatus>] => [uid, { state: 'Recovered' }]);
    if (ended.length > 0) {
      run.status = withTargets(run.status, new Map(changes));
      run.stored = await store.save(run.stored, run.status, signal);
      logRecovered(run, stored.status);
    }
    if (live().length > 0 || ended.length < open.length) return { requeueAfterMs: RETRY_MS };
  }
  await removeFinalizer(client, chaosExperiments, run.stored.object, FINALIZER, signal);
  return undefined;
}
