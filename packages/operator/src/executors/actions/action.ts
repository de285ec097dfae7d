/** An action that the operator carries out itself. */
import type { ExperimentSpec } from '@chaosplane/api';
import type { Informer, Pod } from '@chaosplane/kube';
import type { Executor, Injected } from '@chaosplane/lifecycle';
import { isRetryable } from '@chaosplane/common';
import type { NodeExecutionsParts } from '../../nodes/executions.ts';

/** What an executor of such an action is made of. */
export interface OperatorActionParts extends NodeExecutionsParts {
  readonly spec: ExperimentSpec;
  readonly pods: Informer<Pod>;
  /** The pods of a node, as the copy of the pods has them. */
  readonly podsOn: (node: string) => readonly Pod[];
  /** The operator's own. */
  readonly namespace: string;
}

/** Makes the executor for one experiment. */
export type OperatorAction = (parts: OperatorActionParts) => Executor;

/** What an injection that failed comes to. @throws The reason of the signal: an operator that ends answers nothing. */
export function failedInjection(error: unknown, signal: AbortSignal): Injected {
  signal.throwIfAborted();
  const passing = error instanceof Error && 'code' in error && isRetryable(error.code);
  const why = error instanceof Error ? error.message : String(error);
  return passing ? { kind: 'retry', why } : { kind: 'missed', why };
}
