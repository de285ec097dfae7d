/** Workflows and their shards, as the API server has them. */
import type { KubeObject } from '@chaosplane/kube/object';
import type { StepDocument, WorkflowStatusDocument } from './status-document.ts';

/** A ChaosWorkflow. Its spec is anything that the schema of the API server let pass. */
export interface WorkflowObject extends KubeObject {
  readonly spec: unknown;
  readonly status?: WorkflowStatusDocument;
}

/** Up to 50 steps of one workflow: how far each is. */
export interface WorkflowShardObject extends KubeObject {
  readonly steps: readonly StepDocument[];
}
