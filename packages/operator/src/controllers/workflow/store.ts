/** Where the state of a workflow is kept: its status, and the shards that hold its steps. */
import {
  chaosWorkflows,
  chaosWorkflowShards,
  SHARD_STEPS,
  stepDocument,
  WORKFLOW_UID_LABEL,
  workflowOwner,
  workflowStateFrom,
  workflowStatusDocument,
  type NodeId,
  type NodeState,
  type StepDocument,
  type WorkflowObject,
  type WorkflowShardObject,
  type WorkflowState,
  type WorkflowWriteContext,
} from '@chaosplane/api';
import type { KubeClient } from '@chaosplane/kube';
import { FIELD_MANAGER } from '../../field-manager.ts';
import { shardName, shardNumber } from '../shards.ts';

/** A workflow with everything that was written down of it. */
export interface StoredWorkflow {
  readonly object: WorkflowObject;
  /** By their number. */
  readonly shards: ReadonlyMap<number, WorkflowShardObject>;
}

/** What was read. */
export interface LoadedWorkflow {
  readonly stored: StoredWorkflow;
  readonly state: WorkflowState;
  /** The shards do not hold what the status counts: another program changed or deleted them. */
  readonly incomplete: boolean;
}

/** Reads all that was written of it. */
export async function loadWorkflow(
  client: KubeClient,
  object: WorkflowObject,
  signal: AbortSignal,
): Promise<LoadedWorkflow> {
  const { namespace = '', uid = '' } = object.metadata;
  const labelSelector = `${WORKFLOW_UID_LABEL}=${uid}`;
  const { items } = await client.list(chaosWorkflowShards, { namespace, labelSelector, signal });
  const shards = new Map(items.map((shard) => [shardNumber(shard.metadata), shard]));
  const state = workflowStateFrom(
    object.status,
    items.map(({ steps }) => steps),
  );
  // Steps are written before the status that counts them.
  const incomplete = state.nodes.size < (object.status?.counts?.begun ?? 0);
  return { stored: { object, shards }, state, incomplete };
}

/** In which shard each step is; the same for each operator. */
export function shardNumbers(ids: Iterable<NodeId>): ReadonlyMap<NodeId, number> {
  return new Map([...ids].map((id, index) => [id, Math.floor(index / SHARD_STEPS)]));
}

/**
 * Writes steps, in their order: those behind each other that belong to one shard together. A write over another program's is refused.
 * @throws KubeError 409 then; what was written before it stays.
 */
export async function saveSteps(
  client: KubeClient,
  stored: StoredWorkflow,
  changed: ReadonlyMap<NodeId, NodeState>,
  numbers: ReadonlyMap<NodeId, number>,
  signal: AbortSignal,
): Promise<StoredWorkflow> {
  const shards = new Map(stored.shards);
  for (const [number, steps] of inTurns(changed, numbers)) {
    const before = shards.get(number);
    if (before === undefined) {
      const made = shardObject(stored.object, number, steps);
      shards.set(number, await client.create(chaosWorkflowShards, made, { signal }));
    } else {
      const all = new Map([...before.steps, ...steps].map((step) => [step.id, step]));
      const next = { ...before, steps: [...all.values()] };
      shards.set(number, await client.replace(chaosWorkflowShards, next, { signal }));
    }
  }
  return { ...stored, shards };
}

/** Runs of steps of one shard. */
function inTurns(
  changed: ReadonlyMap<NodeId, NodeState>,
  numbers: ReadonlyMap<NodeId, number>,
): (readonly [number: number, steps: StepDocument[]])[] {
  const turns: (readonly [number, StepDocument[]])[] = [];
  for (const [id, state] of changed) {
    const number = numbers.get(id) ?? 0;
    const last = turns.at(-1);
    if (last?.[0] === number) last[1].push(stepDocument(id, state));
    else turns.push([number, [stepDocument(id, state)]]);
  }
  return turns;
}

/**
 * Writes the status, over the version that was read alone: a deposed leader turns nothing back. It is forced, because the status is the
 * operator's own.
 */
export async function saveWhole(
  client: KubeClient,
  stored: StoredWorkflow,
  state: WorkflowState,
  context: Omit<WorkflowWriteContext, 'generation' | 'previous'>,
  signal: AbortSignal,
): Promise<StoredWorkflow> {
  const { apiVersion, kind, metadata, status: previous } = stored.object;
  const { name, namespace = '', resourceVersion = '', generation = 0 } = metadata;
  const status = workflowStatusDocument(state, { ...context, generation, previous });
  const object = await client.apply(
    chaosWorkflows,
    { apiVersion, kind, metadata: { name, namespace, resourceVersion }, status },
    { fieldManager: FIELD_MANAGER, force: true, subresource: 'status', signal },
  );
  return { ...stored, object };
}

function shardObject(owner: WorkflowObject, number: number, steps: readonly StepDocument[]): WorkflowShardObject {
  const { namespace = '', uid = '' } = owner.metadata;
  return {
    apiVersion: chaosWorkflowShards.apiVersion,
    kind: chaosWorkflowShards.kind,
    metadata: {
      name: shardName(owner.metadata, number),
      namespace,
      labels: { [WORKFLOW_UID_LABEL]: uid },
      ownerReferences: [workflowOwner(owner)],
    },
    steps,
  };
}
