/** The controller of ChaosWorkflows: it makes the experiments of steps and ends them, and injects nothing itself. */
import { isDeepStrictEqual } from 'node:util';
import {
  chaosExperiments,
  chaosWorkflows,
  FINALIZER,
  isWorkflowOver,
  STEP_FINALIZER,
  type ExperimentObject,
  type WorkflowObject,
} from '@chaosplane/api';
import { KubeError, refOfKey, removeFinalizer, type Reconciler } from '@chaosplane/kube';
import { stopAsking } from './asking.ts';
import { isOver } from './children.ts';
import { openStored } from './open.ts';
import type { Opened } from './opened.ts';
import { newWorkflowMemory, type VisitParts, type WorkflowMemory, type WorkflowParts } from './parts.ts';
import { tidy, visitBroken, visitRun } from './visit.ts';

/** A clock on the wall may be set while a visit is waited for: it is not waited for longer. Milliseconds. */
const LONGEST_MS = 10 * 60_000;

/** What the controller reads before it asks the API server. */
export interface WorkflowCopies {
  readonly workflow: (key: string) => WorkflowObject | undefined;
  /** Uids of workflows by the key of them that experiments name as their owner. */
  readonly ownersOf: (key: string) => readonly string[];
}

/** The reconciler of the work queue; keys are `namespace/name`. */
export function workflowReconciler(parts: WorkflowParts, copies: WorkflowCopies): Reconciler {
  const memories = new Map<string, WorkflowMemory>();
  const forget = (key: string): void => {
    const memory = memories.get(key);
    if (memory !== undefined) stopAsking(memory);
    memories.delete(key);
  };
  return async (key, signal) => {
    const known = memories.get(key);
    const kept = stillTrue(known?.opened, copies.workflow(key));
    const object = kept ?? (await parts.client.get(chaosWorkflows, refOfKey(key), { signal }));
    const uid = object?.metadata.uid ?? '';
    if (memories.get(key)?.uid !== uid) forget(key);
    await releaseOrphans(
      copies.ownersOf(key).filter((one) => one !== uid),
      parts,
      signal,
    );
    if (object === undefined || isLeftAlone(object, parts)) {
      forget(key);
      return undefined;
    }
    const memory = memories.get(key) ?? newWorkflowMemory(uid);
    memories.set(key, memory);
    const opened = memory.opened;
    // A visit that fails leaves nothing to go on from.
    delete memory.opened;
    const visiting: VisitParts = { ...parts, memory, key, signal };
    const now = kept === undefined || opened === undefined ? await openStored(object, visiting) : { ...opened };
    if (kept !== undefined) now.stored = { ...now.stored, object: kept };
    const next = await visit(now, visiting);
    memory.opened = now;
    if (next === 'over') {
      forget(key);
      return undefined;
    }
    return next === undefined
      ? undefined
      : { requeueAfterMs: Math.min(Math.max(0, next - parts.clock.now()), LONGEST_MS) };
  };
}

/**
 * The object of the copy, when what is open is what it has: users write metadata, such as an abort, and the rest is the operator's
 * own.
 */
function stillTrue(opened: Opened | undefined, latest: WorkflowObject | undefined): WorkflowObject | undefined {
  if (opened === undefined || latest === undefined) return undefined;
  const { metadata, spec, status } = opened.stored.object;
  if (latest.metadata.uid !== metadata.uid) return undefined;
  const { resourceVersion = '' } = latest.metadata;
  if (resourceVersion === metadata.resourceVersion || opened.past.has(resourceVersion)) return opened.stored.object;
  return isDeepStrictEqual([latest.spec, latest.status], [spec, status]) ? latest : undefined;
}

/** One that is over and let go of, with all that it made; or that was deleted before it began. */
function isLeftAlone({ metadata, status }: WorkflowObject, { childrenOf }: WorkflowParts): boolean {
  const { uid = '', finalizers = [], deletionTimestamp, generation } = metadata;
  if (finalizers.includes(FINALIZER)) return false;
  if (status === undefined) return deletionTimestamp !== undefined;
  const isDone = isWorkflowOver({ phase: status.phase ?? 'Pending' }) && status.observedGeneration === generation;
  const isLetGo = (child: ExperimentObject): boolean =>
    isOver(child) && child.metadata.finalizers?.includes(STEP_FINALIZER) !== true;
  return isDone && childrenOf(uid).every(isLetGo);
}

/** Whether a refusal is that of a namespace that is on its way out: it takes no new objects. */
const isNamespaceEnding = (error: unknown): boolean =>
  error instanceof KubeError && error.causes.some(({ reason }) => reason === 'NamespaceTerminating');

/** When it is to be visited again; over: never, unless something changes. */
async function visit(opened: Opened, parts: VisitParts): Promise<number | undefined | 'over'> {
  const { client, signal } = parts;
  const { run } = opened;
  if ('broken' in run) {
    const isDone = await visitBroken(opened, run, parts);
    if (!isDone) return undefined;
  } else {
    let until: number | undefined;
    try {
      until = await visitRun(opened, run, parts);
    } catch (error) {
      if (opened.stored.object.metadata.deletionTimestamp === undefined || !isNamespaceEnding(error)) throw error;
      // Nothing more can be made there, neither experiments nor shards.
      opened.run = { broken: 'its namespace is deleted', reason: 'StepsLost' };
      return visit(opened, parts);
    }
    const isTidy = await tidy(opened, run.flow.state, parts);
    if (!isWorkflowOver(run.flow.state)) return until;
    if (!isTidy) return undefined;
  }
  await removeFinalizer(client, chaosWorkflows, opened.stored.object, FINALIZER, signal);
  return 'over';
}

/** Experiments whose workflow is gone, because a user took its finalizer away: what noted them does so no more. */
async function releaseOrphans(
  uids: readonly string[],
  { client, childrenOf }: WorkflowParts,
  signal: AbortSignal,
): Promise<void> {
  for (const object of uids.flatMap((uid) => childrenOf(uid)))
    await removeFinalizer(client, chaosExperiments, object, STEP_FINALIZER, signal);
}
