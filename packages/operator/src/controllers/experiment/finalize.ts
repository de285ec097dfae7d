/** What is left to do for an experiment that is over: to let go of it once nothing of it can be on a node any more, and to delete it when it has been kept long enough. */
import { chaosExperiments, FINALIZER, withTargets, type TargetStatus } from '@chaosplane/api';
import { defined } from '@chaosplane/common';
import { keyOf, removeFinalizer } from '@chaosplane/kube';
import { isHalted, recovered, type Next } from '@chaosplane/lifecycle';
import { executionsOf, type ExecutionsParts } from './observe.ts';
import type { ControllerParts } from './parts.ts';
import type { Store } from './store.ts';
import { tellTargets } from './target-events.ts';
import type { Visit } from './visit.ts';

/** What is needed to let go of an experiment. */
export interface FinalizeParts extends ExecutionsParts, Pick<ControllerParts, 'client' | 'targetEvents' | 'policies'> {
  readonly store: Store;
  readonly signal: AbortSignal;
}

/** How long to wait before a recovery that is not complete is looked at again. */
const RETRY_MS = 2000;

/** The longest wait; a timer of Node.js ends at once when it is longer than 24.8 days (https://nodejs.org/api/timers.html). */
const LONGEST_MS = 24 * 3_600_000;

/** Lets go of it, and deletes it when `ttlSecondsAfterFinished` have passed. */
export async function finalize(visit: Visit, parts: FinalizeParts): Promise<Next> {
  return (await letGo(visit, parts)) ?? expire(visit, parts);
}

/** As the TTL controller of Kubernetes does for a Job: https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/ */
async function expire(
  { stored, status }: Readonly<Visit>,
  { visited, client, clock, logger, signal }: FinalizeParts,
): Promise<Next> {
  const { metadata } = stored.object;
  const seconds = visited.spec?.ttlSecondsAfterFinished;
  if (seconds === undefined || status.endedAt === undefined || metadata.deletionTimestamp !== undefined)
    return undefined;
  const leftMs = status.endedAt + seconds * 1000 - clock.now();
  if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, LONGEST_MS) };
  await client.delete(chaosExperiments, metadata, { ...defined({ uid: metadata.uid }), signal });
  logger.info({ experiment: visited.id, seconds }, 'deleted after its time');
  return undefined;
}

/** Ends when every execution has ended: by the TTL where the experiment leaves its end to that, at once when it is deleted. */
async function letGo(visit: Visit, parts: FinalizeParts): Promise<Next> {
  const { executor, signal, client, store } = parts;
  const { stored } = visit;
  const { metadata } = stored.object;
  if (metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  const open = visit.status.targets.filter(({ state }) => state === 'Injected');
  if (open.length > 0 || stored.incomplete) {
    let executions = await executionsOf(visit, open, parts);
    const live = (): string[] => [...executions].filter((entry) => entry[1].live).map(([id]) => id);
    if ((metadata.deletionTimestamp !== undefined || halted(visit, open, parts)) && live().length > 0) {
      await executor.cancel(live(), open);
      executions = await executionsOf(visit, open, parts);
    }
    const changes = open.flatMap(({ uid, executionId }): [string, Partial<TargetStatus>][] => {
      const execution = executions.get(executionId ?? '');
      return execution?.live === false ? [[uid, recovered(execution)]] : [];
    });
    if (changes.length > 0) {
      visit.status = withTargets(visit.status, new Map(changes));
      visit.stored = await store.save(visit.stored, visit.status, signal);
      tellTargets(stored.status, visit.status, parts);
    }
    if (live().length > 0 || changes.length < open.length) return { requeueAfterMs: RETRY_MS };
  }
  await removeFinalizer(client, chaosExperiments, visit.stored.object, FINALIZER, signal);
  return undefined;
}

/** What was left to the TTL is recovered all the same when a kill switch is on. */
function halted(
  { stored }: Readonly<Visit>,
  open: readonly TargetStatus[],
  { visited: { spec }, policies, clock }: FinalizeParts,
): boolean {
  if (spec === undefined) return false;
  return isHalted({ spec, policy: policies.inputFor(keyOf(stored.object.metadata)) }, open, clock.now());
}
