/** Workflows of a cluster: how far their steps are, and how one that waits goes on. */
import {
  chaosExperiments,
  chaosWorkflows,
  chaosWorkflowShards,
  RESUME_ANNOTATION,
  resumedSteps,
  stepOfExperiment,
  WORKFLOW_UID_LABEL,
  workflowStateFrom,
  type ExperimentStatus,
  type WorkflowObject,
  type WorkflowState,
} from '@chaosplane/api';
import { refOf, type KubeClient } from '@chaosplane/kube';
import { statusOf } from './status.ts';

const ofWorkflow = ({ metadata: { namespace = '', uid = '' } }: WorkflowObject) => ({
  namespace,
  labelSelector: `${WORKFLOW_UID_LABEL}=${uid}`,
});

/** How far a workflow is, with all its steps. */
export async function workflowStateOf(client: KubeClient, workflow: WorkflowObject): Promise<WorkflowState> {
  const { items } = await client.list(chaosWorkflowShards, ofWorkflow(workflow));
  return workflowStateFrom(
    workflow.status,
    items.map(({ steps }) => steps),
  );
}

/** How far the last experiment of each step is. */
export async function stepExperimentsOf(
  client: KubeClient,
  workflow: WorkflowObject,
): Promise<ReadonlyMap<string, ExperimentStatus>> {
  const { items } = await client.list(chaosExperiments, ofWorkflow(workflow));
  const found = items.flatMap((object) => {
    const step = stepOfExperiment(workflow, object);
    return step === undefined ? [] : [{ ...step, object }];
  });
  const sorted = found.toSorted((one, other) => one.attempt - other.attempt);
  return new Map(sorted.map(({ id, object }) => [id, statusOf(object)]));
}

/** Lets steps go on that wait, beside those that were resumed before. The version is a precondition: no other's word is lost. */
export async function resumeSteps(
  client: KubeClient,
  workflow: WorkflowObject,
  ids: readonly string[],
): Promise<WorkflowObject> {
  const all = [...new Set([...resumedSteps(workflow), ...ids])].join(',');
  const { resourceVersion } = workflow.metadata;
  const body = { metadata: { resourceVersion, annotations: { [RESUME_ANNOTATION]: all } } };
  return client.patch(chaosWorkflows, refOf(workflow), { kind: 'merge', body });
}
