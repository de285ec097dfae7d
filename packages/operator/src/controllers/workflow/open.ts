/** A workflow as its controller holds it: understood, with everything that was written of it, and ready to go on. */
import {
  chaosWorkflows,
  FINALIZER,
  isWorkflowOver,
  parseWorkflow,
  type ChaosWorkflow,
  type WorkflowObject,
} from '@chaosplane/api';
import { ChaosError, defined } from '@chaosplane/common';
import { addFinalizer } from '@chaosplane/kube';
import { evaluatorOf, graphOf, openWorkflow } from '@chaosplane/lifecycle';
import { readChildren } from './children.ts';
import type { Broken, Opened } from './opened.ts';
import type { VisitParts } from './parts.ts';
import { loadWorkflow, shardNumbers } from './store.ts';

/** Reads everything, and takes hold of one that is to go on: it may have experiments, so the API server must not forget it. */
export async function openStored(found: WorkflowObject, parts: VisitParts): Promise<Opened> {
  const { client, signal } = parts;
  const fresh = asNew(found);
  const examined = examine(fresh);
  const isNew = fresh.status?.phase === undefined || fresh.status.phase === 'Pending';
  if (isNew && 'broken' in examined)
    return { stored: { object: fresh, shards: new Map() }, ...newCopies(), children: new Map(), run: examined };
  const isHeld =
    fresh.metadata.deletionTimestamp !== undefined || isWorkflowOver({ phase: fresh.status?.phase ?? 'Pending' });
  const object = isHeld ? fresh : asNew(await addFinalizer(client, chaosWorkflows, fresh, FINALIZER, signal), found);
  const { stored, state, incomplete } = await loadWorkflow(client, object, signal);
  const children = await readChildren(object, parts);
  const rest = { stored, children, ...newCopies() };
  if ('broken' in examined) return { ...rest, run: examined };
  if (incomplete) {
    const broken = 'what was written of its steps was changed or deleted';
    return { ...rest, run: { broken, reason: 'StepsLost' } };
  }
  const { spec } = examined;
  const graph = graphOf(spec.steps, spec.onExit);
  const limits = { maxParallelism: spec.maxParallelism, ...defined({ deadlineMs: spec.deadline }) };
  const flow = openWorkflow(graph, state, limits);
  const evaluate = evaluatorOf(graph, () => flow.state);
  return { ...rest, run: { spec, graph, flow, numbers: shardNumbers(graph.nodes.keys()), evaluate } };
}

const newCopies = (): Pick<Opened, 'past' | 'copied'> => ({ past: new Set(), copied: new Set() });

/** What the API server let pass and cannot be understood. */
function examine(object: WorkflowObject): ChaosWorkflow | Broken {
  const { apiVersion, kind, metadata, spec } = object;
  const { name, namespace } = metadata;
  try {
    return parseWorkflow({ apiVersion, kind, metadata: { name, namespace }, spec }, 'cluster');
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return { broken: error.message, reason: 'InvalidSpec' };
  }
}

/** One that failed before it began, and whose spec was corrected since, is as new: nothing of it was ever anywhere. */
function asNew(object: WorkflowObject, { status, metadata }: WorkflowObject = object): WorkflowObject {
  const failed = status?.phase === 'Failed' && status.startedAt === undefined;
  if (!failed || (metadata.generation ?? 0) <= (status.observedGeneration ?? Infinity)) return object;
  const { status: _over, ...fresh } = object;
  return fresh;
}
