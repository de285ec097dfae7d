/** The kinds of ChaosPlane, and the names that their objects carry. */
import { resourceType, type KubeObject, type ResourceType } from '@chaosplane/kube/object';
import type { ExperimentObject, ShardObject } from './experiment/object.ts';
import type { PolicyObject } from './policy/object.ts';
import type { ScheduleObject } from './schedule/object.ts';
import { API_VERSION } from './shared/version.ts';
import type { WorkflowObject, WorkflowShardObject } from './workflow/object.ts';

export const chaosExperiments = resourceType<ExperimentObject>({
  apiVersion: API_VERSION,
  kind: 'ChaosExperiment',
  plural: 'chaosexperiments',
  namespaced: true,
});

export const chaosExperimentShards = resourceType<ShardObject>({
  apiVersion: API_VERSION,
  kind: 'ChaosExperimentShard',
  plural: 'chaosexperimentshards',
  namespaced: true,
});

export const chaosSchedules = resourceType<ScheduleObject>({
  apiVersion: API_VERSION,
  kind: 'ChaosSchedule',
  plural: 'chaosschedules',
  namespaced: true,
});

export const chaosWorkflows = resourceType<WorkflowObject>({
  apiVersion: API_VERSION,
  kind: 'ChaosWorkflow',
  plural: 'chaosworkflows',
  namespaced: true,
});

export const chaosWorkflowShards = resourceType<WorkflowShardObject>({
  apiVersion: API_VERSION,
  kind: 'ChaosWorkflowShard',
  plural: 'chaosworkflowshards',
  namespaced: true,
});

export const blastRadiusPolicies = resourceType<PolicyObject>({
  apiVersion: API_VERSION,
  kind: 'BlastRadiusPolicy',
  plural: 'blastradiuspolicies',
  namespaced: false,
});

/** Every kind; a kind of which others are made comes before them. */
export const allKinds: readonly ResourceType<KubeObject>[] = [
  chaosSchedules,
  chaosWorkflows,
  chaosExperiments,
  chaosWorkflowShards,
  chaosExperimentShards,
  blastRadiusPolicies,
];

/** Keeps an experiment until every target has recovered. */
export const FINALIZER = 'chaosplane.io/recover';

/** `"true"` ends the experiment and recovers everything. */
export const ABORT_ANNOTATION = 'chaosplane.io/abort';

/** Leads from a shard to its experiment. */
export const EXPERIMENT_UID_LABEL = 'chaosplane.io/experiment-uid';
