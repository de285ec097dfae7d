/** What runs on a cluster and ends there: experiments and workflows. */
import {
  chaosExperiments,
  chaosWorkflows,
  isFinal,
  isWorkflowOver,
  type ExperimentObject,
  type WorkflowObject,
} from '@chaosplane/api';
import type { KubeObject, ResourceType } from '@chaosplane/kube';

/** A kind of them. */
export interface Runs<T extends KubeObject> {
  readonly type: ResourceType<T>;
  /** As people call one. */
  readonly word: 'experiment' | 'workflow';
  /** Undefined: the operator has not looked at it. */
  phaseOf(object: T): string | undefined;
  /** Whether the operator has begun to end it. */
  isEnding(object: T): boolean;
  /** Whether nothing more will happen to it. */
  isOver(object: T): boolean;
}

export const experimentRuns: Runs<ExperimentObject> = {
  type: chaosExperiments,
  word: 'experiment',
  phaseOf: ({ status }) => status?.phase,
  isEnding: ({ status }) => status?.phase === 'Completing' || status?.phase === 'Recovering',
  isOver: ({ status }) => isFinal({ phase: status?.phase ?? 'Pending' }),
};

export const workflowRuns: Runs<WorkflowObject> = {
  type: chaosWorkflows,
  word: 'workflow',
  phaseOf: ({ status }) => status?.phase,
  isEnding: ({ status }) => status?.phase === 'Ending' || status?.phase === 'Exiting',
  isOver: ({ status }) => isWorkflowOver({ phase: status?.phase ?? 'Pending' }),
};
