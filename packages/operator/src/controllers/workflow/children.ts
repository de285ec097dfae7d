/** The experiments of a workflow: how they are made, ended and let go of, and what the workflow sees of them. */
import { isDeepStrictEqual } from 'node:util';
import {
  ABORT_ANNOTATION,
  chaosExperiments,
  isFinal,
  isNodeOver,
  parseExperiment,
  statusFrom,
  STEP_FINALIZER,
  stepExperimentName,
  stepOfExperiment,
  WORKFLOW_ATTEMPT_ANNOTATION,
  WORKFLOW_STEP_ANNOTATION,
  WORKFLOW_UID_LABEL,
  workflowOwner,
  type ExperimentObject,
  type NodeId,
  type NodeState,
  type WorkflowObject,
} from '@chaosplane/api';
import { ChaosError } from '@chaosplane/common';
import { isAlreadyExists, isNotFound, KubeError, refOf, removeFinalizer, type Created } from '@chaosplane/kube';
import { attemptOf, seenExperimentOf, type Graph, type GraphNode, type SeenExperiment } from '@chaosplane/lifecycle';
import type { Children } from './opened.ts';
import type { VisitParts } from './parts.ts';

/** Whether nothing more will happen to it. */
export const isOver = ({ status }: ExperimentObject): boolean => isFinal({ phase: status?.phase ?? 'Pending' });

/**
 * Those of a list that a workflow has made. A user may write owners and annotations, and knows the name: what was made for a step has
 * its spec.
 */
function childrenIn(
  { object: workflow, graph }: Maker,
  objects: readonly ExperimentObject[],
  known: ReadonlyMap<string, ExperimentObject> = new Map(),
): Children {
  return new Map(
    objects.flatMap((object): [string, ExperimentObject][] => {
      const step = stepOfExperiment(workflow, object);
      if (step === undefined) return [];
      const key = attemptOf(step.id, step.attempt);
      const isKnown = known.get(key)?.metadata.uid === object.metadata.uid;
      return isKnown || isOfStep(object, graph?.nodes.get(step.id)) ? [[key, object]] : [];
    }),
  );
}

/** The workflow, and its graph where it is understood. */
export interface Maker {
  readonly object: WorkflowObject;
  readonly graph: Graph | undefined;
}

/** Whether its spec is that of the step. */
function isOfStep({ apiVersion, kind, metadata, spec }: ExperimentObject, node: GraphNode | undefined): boolean {
  if (node === undefined) return true;
  if (node.step.kind !== 'experiment') return false;
  const { name, namespace } = metadata;
  try {
    const parsed = parseExperiment({ apiVersion, kind, metadata: { name, namespace }, spec }, 'cluster');
    return isDeepStrictEqual(parsed.spec, node.step.experiment);
  } catch (error) {
    if (error instanceof ChaosError) return false;
    throw error;
  }
}

/** Reads all of them from the API server: a copy may not have heard of those that an operator made before it died. */
export async function readChildren(
  maker: Maker,
  { client, signal }: Pick<VisitParts, 'client' | 'signal'>,
): Promise<Children> {
  const { namespace = '', uid = '' } = maker.object.metadata;
  const labelSelector = `${WORKFLOW_UID_LABEL}=${uid}`;
  const { items } = await client.list(chaosExperiments, { namespace, labelSelector, signal });
  return childrenIn(maker, items);
}

/** Takes over what the copy knows better. What it does not have is kept: it was made or read here, and it may not have heard of it. */
export function refreshChildren(children: Children, maker: Maker, copy: readonly ExperimentObject[]): void {
  for (const [key, object] of childrenIn(maker, copy, children)) {
    const known = children.get(key);
    // A copy that is behind does not turn it back.
    if (known !== undefined && isOver(known) && !isOver(object)) continue;
    children.set(key, object);
  }
}

const seenOf = new WeakMap<ExperimentObject, SeenExperiment>();

/** What the workflow sees of one; read once of each version. */
export function seenChild(object: ExperimentObject): SeenExperiment {
  const known = seenOf.get(object) ?? seenExperimentOf(statusFrom(object.status, []));
  seenOf.set(object, known);
  return known;
}

/** The experiment of a step, to be made. */
export function experimentOf(
  workflow: WorkflowObject,
  { id, attempt }: { readonly id: NodeId; readonly attempt: number },
  spec: unknown,
): Created<ExperimentObject> & Required<Pick<ExperimentObject, 'metadata'>> {
  const { namespace = '', uid = '' } = workflow.metadata;
  return {
    metadata: {
      name: stepExperimentName(workflow, id, attempt),
      namespace,
      labels: { [WORKFLOW_UID_LABEL]: uid },
      annotations: { [WORKFLOW_STEP_ANNOTATION]: id, [WORKFLOW_ATTEMPT_ANNOTATION]: String(attempt) },
      ownerReferences: [workflowOwner(workflow)],
      finalizers: [STEP_FINALIZER],
    },
    spec,
  };
}

/** Answers that asking again does not change: it is not valid, or not allowed. */
const FINAL: ReadonlySet<number> = new Set([400, 403, 422]);

/**
 * Makes the experiment of a step, or finds the one that an operator made before it died: its name is the same.
 * @returns Why the API server refuses it, where it does.
 */
export async function makeChild(
  maker: Maker,
  step: { readonly id: NodeId; readonly attempt: number },
  spec: unknown,
  { client, signal }: Pick<VisitParts, 'client' | 'signal'>,
): Promise<ExperimentObject | { readonly refused: string }> {
  const wanted = experimentOf(maker.object, step, spec);
  try {
    return await client.create(chaosExperiments, wanted, { signal });
  } catch (error) {
    if (isAlreadyExists(error)) {
      const { name } = wanted.metadata;
      const there = await client.get(chaosExperiments, refOf(wanted), { signal });
      // It went away in between.
      if (there === undefined) throw error;
      if (childrenIn(maker, [there]).has(attemptOf(step.id, step.attempt))) return there;
      return { refused: `there is an experiment ${name} that this workflow did not make` };
    }
    if (error instanceof KubeError && FINAL.has(error.status)) return { refused: error.message };
    throw error;
  }
}

/**
 * Ends one, which recovers. The uid is a precondition: another experiment of that name is not the workflow's.
 * @returns Whether it is there.
 */
export async function endChild(object: ExperimentObject, { client, memory, signal }: VisitParts): Promise<boolean> {
  const { uid = '' } = object.metadata;
  if (memory.ended.has(uid)) return true;
  const body = { metadata: { uid, annotations: { [ABORT_ANNOTATION]: 'true' } } };
  try {
    await client.patch(chaosExperiments, refOf(object), { kind: 'merge', body }, { signal });
    memory.ended.add(uid);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Whether what became of an attempt of a step is written down. */
export function isNoted(state: NodeState, attempt: number): boolean {
  return isNodeOver(state) || state.attempt > attempt || (state.attempt === attempt && state.phase === 'Waiting');
}

/** Lets go of one that is over and noted: a person, or its owner's end, may delete it now. */
export async function releaseChild(object: ExperimentObject, { client, memory, signal }: VisitParts): Promise<void> {
  const { uid = '', finalizers = [] } = object.metadata;
  if (!finalizers.includes(STEP_FINALIZER) || memory.released.has(uid)) return;
  await removeFinalizer(client, chaosExperiments, object, STEP_FINALIZER, signal);
  memory.released.add(uid);
}

/** Ends one that says no more whose it is: a person has taken it away. One that was never the workflow's has no such finalizer. */
export async function dropChild(object: ExperimentObject, parts: VisitParts): Promise<void> {
  if (object.metadata.finalizers?.includes(STEP_FINALIZER) !== true) return;
  await endChild(object, parts);
  await releaseChild(object, parts);
}
