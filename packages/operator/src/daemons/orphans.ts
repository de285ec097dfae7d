/** Which executions of a node have lost their experiment: its finalizer was taken away and it was deleted, or it is over. Pure. */
import { isFinal, type ExperimentObject } from '@chaosplane/api';
import type { ObjectRef } from '@chaosplane/kube';
import type { Execution } from '@chaosplane/proto';
import { idempotencyKey } from '@chaosplane/client';

/** The experiment that an operator injected an execution for. */
export interface ExecutionOwner {
  /** Its name as the id has it, which cuts long ones. */
  readonly ref: ObjectRef;
  readonly uid: string;
}

/**
 * Whose an execution is, by what the operator writes into each: its epoch, the id of the experiment and a key that begins with
 * it. Undefined for what a person or another program has asked for, which the operator never touches.
 */
export function ownerOf(
  execution: Pick<Execution, 'experimentId' | 'idempotencyKey' | 'operatorEpoch'>,
): ExecutionOwner | undefined {
  const { experimentId, idempotencyKey: key, operatorEpoch } = execution;
  if (operatorEpoch === 0n || !key.startsWith(idempotencyKey(experimentId, ''))) return undefined;
  return ownerOfId(experimentId);
}

/** The experiment of an id that an operator made; undefined for a text that is none. */
export function ownerOfId(experimentId: string): ExecutionOwner | undefined {
  const [namespace = '', name = '', uid = '', ...rest] = experimentId.split('/');
  if (namespace === '' || name === '' || uid === '' || rest.length > 0) return undefined;
  return { ref: { namespace, name }, uid };
}

/** Whether the experiment of that name still answers for its executions: it is that one, and not over with all recovered. */
export function answersFor(object: ExperimentObject | undefined, { uid }: ExecutionOwner): boolean {
  if (object === undefined || object.metadata.uid !== uid) return false;
  const { phase = 'Pending' } = object.status ?? {};
  return !isFinal({ phase }) || leavesToTtl(object);
}

/** What is not undone at the end is still there when the experiment is over. */
function leavesToTtl({ spec }: ExperimentObject): boolean {
  const { rollback } = (spec ?? {}) as { readonly rollback?: { readonly enabled?: unknown } };
  return rollback?.enabled === false;
}
