/** An action that the operator carries out itself. */
import type { ExperimentSpec } from '@chaosplane/api';
import type { Informer, KubeClient, Pod } from '@chaosplane/kube';
import type { Executor } from '@chaosplane/lifecycle';

/** What an executor of such an action is made of. */
export interface OperatorActionParts {
  readonly spec: ExperimentSpec;
  readonly client: KubeClient;
  readonly cache: Informer<Pod>;
  readonly signal: AbortSignal;
}

/** Makes the executor for one experiment. */
export type OperatorAction = (parts: OperatorActionParts) => Executor;
