/** Writes down what has become of an experiment, and tells people when it enters a phase. */
import { chaosExperiments, FINALIZER, isFinal, targetName, type ExperimentStatus } from '@chaosplane/api';
import { addFinalizer } from '@chaosplane/kube';
import type { ControllerParts } from './parts.ts';
import type { Store, Stored } from './store.ts';
import { tellTargets } from './target-events.ts';
import type { Timings } from './timings.ts';
import type { Visit, Visited } from './visit.ts';

/** What is needed to write and to tell. */
export interface ReportParts extends Pick<ControllerParts, 'client' | 'clock' | 'events' | 'targetEvents' | 'logger'> {
  readonly visited: Visited;
  readonly store: Store;
  readonly timings: Timings;
  readonly signal: AbortSignal;
}

/** The status is written no more often than this, unless the phase changes or the visit ends. */
const SAVE_MS = 1000;

/** So many targets are named where they are chosen. */
const NAMED = 20;

/** @throws KubeError conflict when another program wrote first: everything has to be observed again. */
export async function report(visit: Visit, leaving: boolean, parts: ReportParts): Promise<void> {
  const { status, stored } = visit;
  const { clock, signal, store } = parts;
  if (status === stored.status) return;
  noteEntered(visit);
  const entered = visit.entered.length > 0;
  // Targets that came to it are written before anything is done to them.
  const grown = status.targets.length > stored.status.targets.length;
  if (!entered && !grown && !leaving && clock.monotonic() - visit.savedAt < SAVE_MS) return;
  // A dry run is over at once, and has targets all the same: their shards are a part of what a killed operator leaves.
  if (stored.status.phase === 'Pending' && (!isFinal(status) || grown)) visit.stored = await hold(stored, parts);
  visit.stored = await store.save(visit.stored, status, signal);
  visit.status = visit.stored.status;
  visit.savedAt = clock.monotonic();
  tellTargets(stored.status, visit.status, parts);
  parts.timings.note(stored.object.metadata.uid ?? '', stored.status, visit.status);
  for (const one of visit.entered) tell(one, visit, parts);
  visit.entered = [];
  tellAudit(stored.status, visit, parts);
}

/** Remembers a phase that was entered, until it is told. */
export function noteEntered(visit: Visit): void {
  const { status, stored, entered } = visit;
  if (status.phase !== (entered.at(-1) ?? stored.status).phase) visit.entered = [...entered, status];
}

/** From here on something of the experiment may be on a node, so the API server must not forget it. */
async function hold(stored: Stored, { client, signal }: Pick<ReportParts, 'client' | 'signal'>): Promise<Stored> {
  const { finalizers, deletionTimestamp } = stored.object.metadata;
  // Deleted before it began, and kept by another finalizer: it takes no finalizer any more, and nothing will be injected.
  if (finalizers?.includes(FINALIZER) === true || deletionTimestamp !== undefined) return stored;
  // Refused when it is not as it was read: another operator may have begun, or its spec may be another one.
  const object = await addFinalizer(client, chaosExperiments, stored.object, FINALIZER, signal);
  return { ...stored, object };
}

function tell(
  { phase, outcome, targets, verdict }: ExperimentStatus,
  { stored }: Readonly<Visit>,
  { events, logger, visited }: ReportParts,
): void {
  const why = outcome?.message ?? `${targets.length} targets`;
  const message = verdict === undefined ? why : `${verdict}: ${why}`;
  // Once, when they have been chosen; what becomes of each has lines of its own.
  const chosen = phase === 'SteadyStateChecking' ? targets.slice(0, NAMED).map(targetName) : undefined;
  logger.info({ experiment: visited.id, phase, verdict, reason: why, targets: chosen }, 'phase entered');
  const type = phase === 'Failed' || phase === 'Aborted' ? 'Warning' : 'Normal';
  events.record(stored.object, { type, reason: phase, action: 'Reconcile', message });
}

/** Each finding of a policy that only audits, once: when it was noted first. */
function tellAudit(
  before: ExperimentStatus,
  { status, stored }: Readonly<Visit>,
  { events, logger, visited }: ReportParts,
): void {
  const known = auditOf(before);
  for (const message of auditOf(status).filter((line) => !known.includes(line))) {
    logger.warn({ experiment: visited.id, reason: message }, 'policy audited');
    events.record(stored.object, { type: 'Warning', reason: 'PolicyAudit', action: 'Reconcile', message });
  }
}

function auditOf({ conditions }: ExperimentStatus): readonly string[] {
  const audit = conditions.find(({ reason }) => reason === 'PolicyAudit');
  return audit === undefined ? [] : audit.message.split('\n');
}
