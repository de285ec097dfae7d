/** Writes down what has become of an experiment, and tells people when it enters a phase. */
import { isFinal, targetName, type ExperimentStatus, chaosExperiments, FINALIZER } from '@chaosplane/api';
import { addFinalizer } from '@chaosplane/kube';
import type { Run } from './run.ts';

/** The status is written no more often than this, unless the phase changes or the visit ends. */
const SAVE_MS = 1000;

/** @throws KubeError conflict when somebody else wrote first: everything has to be observed again. */
export async function report(run: Run, leaving: boolean): Promise<void> {
  const { status, stored, clock, signal, store } = run;
  if (status === stored.status) return;
  const entered = status.phase !== stored.status.phase;
  if (!entered && !leaving && clock.monotonic() - run.savedAt < SAVE_MS) return;
  if (stored.status.phase === 'Pending' && !isFinal(status)) await hold(run);
  run.stored = await store.save(run.stored, status, signal);
  run.status = run.stored.status;
  run.savedAt = clock.monotonic();
  logRecovered(run, stored.status);
  if (entered) tell(run);
}

/** From here on something of the experiment may be on a node, so the API server must not forget it. */
async function hold(run: Run): Promise<void> {
  const { stored, client, signal } = run;
  const { finalizers, deletionTimestamp } = stored.object.metadata;
  // Deleted before it began, and held by somebody else: it takes no finalizer any more, and nothing will be injected.
  if (finalizers?.includes(FINALIZER) === true || deletionTimestamp !== undefined) return;
  const object = await addFinalizer(client, chaosExperiments, stored.object, FINALIZER, signal);
  run.stored = { ...stored, object };
}

/** Once it is written down: a line for each target that is over since the status was written before. */
export function logRecovered({ status, logger, experimentId }: Run, before: ExperimentStatus): void {
  const known = new Map(before.targets.map(({ uid, state }) => [uid, state]));
  for (const { uid, state, namespace, name, node, executionId, endedEarly, evidence } of status.targets) {
    if (state !== 'Recovered' || known.get(uid) === state) continue;
    const target = targetName({ namespace, name });
    logger.info(
      { experiment: experimentId, node, target, executionId, endedEarly, evidence: evidence?.summary },
      'target recovered',
    );
  }
}

function tell({ status, stored, events, logger, experimentId }: Run): void {
  const { phase, outcome, targets } = status;
  const message = outcome?.message ?? `${targets.length} targets`;
  logger.info({ experiment: experimentId, phase, reason: message }, 'phase entered');
  const type = phase === 'Failed' || phase === 'Aborted' ? 'Warning' : 'Normal';
  events.record(stored.object, { type, reason: phase, action: 'Reconcile', message });
}
