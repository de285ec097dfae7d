/** Workflows on a stage. */
import {
  chaosExperiments,
  chaosWorkflows,
  chaosWorkflowShards,
  WORKFLOW_STEP_ANNOTATION,
  workflowOwnerOf,
  type ExperimentObject,
  type StepDocument,
  type WorkflowObject,
} from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { experiment } from './schedules.ts';
import type { Stage } from './stage.ts';

/** A template: a delay of a second for the pods of the stage. */
export const slow = { name: 'slow', experiment };

/** A step of that template. */
export const hit = (name: string, change: object = {}): object => ({ name, template: 'slow', ...change });

/** Writes a workflow as a user does. */
export function applyWorkflow({ client, namespace }: Stage, name: string, spec: object): Promise<WorkflowObject> {
  const { apiVersion, kind } = chaosWorkflows;
  const object = { apiVersion, kind, metadata: { namespace, name }, spec };
  return client.apply(chaosWorkflows, object, { fieldManager: 'test' });
}

/** Writes an annotation of it. */
export function annotateWorkflow(
  { client, namespace }: Stage,
  name: string,
  annotations: Readonly<Record<string, string>>,
): Promise<WorkflowObject> {
  return client.patch(chaosWorkflows, { namespace, name }, { kind: 'merge', body: { metadata: { annotations } } });
}

/** The workflow as soon as it is like that. */
export function untilWorkflow(
  { client, namespace }: Stage,
  name: string,
  like: (object: WorkflowObject) => boolean,
  withinMs = 60_000,
): Promise<WorkflowObject> {
  const find = async (): Promise<WorkflowObject | undefined> => {
    const object = await client.get(chaosWorkflows, { namespace, name });
    return object !== undefined && like(object) ? object : undefined;
  };
  return eventually(`the workflow ${name}`, find, { withinMs });
}

export const isOver = ({ status }: WorkflowObject): boolean =>
  ['Completed', 'Failed', 'Aborted'].includes(status?.phase ?? '');

/** What is written of its steps, by their ids. */
export async function stepsOf(
  { client, namespace }: Stage,
  { metadata }: WorkflowObject,
): Promise<ReadonlyMap<string, StepDocument>> {
  const { items } = await client.list(chaosWorkflowShards, { namespace });
  const own = items.filter((shard) => workflowOwnerOf(shard)?.uid === metadata.uid);
  return new Map(own.flatMap(({ steps }) => steps).map((step) => [step.id, step]));
}

/** The phase of each of its steps. */
export async function phasesOf(stage: Stage, workflow: WorkflowObject): Promise<Record<string, string>> {
  return Object.fromEntries([...(await stepsOf(stage, workflow))].map(([id, { phase }]) => [id, phase]));
}

/** Its experiments, by the ids of their steps; of several attempts, one behind the other. */
export async function childrenOf(
  { client, namespace }: Stage,
  { metadata }: WorkflowObject,
): Promise<ReadonlyMap<string, readonly ExperimentObject[]>> {
  const { items } = await client.list(chaosExperiments, { namespace });
  const own = items.filter((object) => workflowOwnerOf(object)?.uid === metadata.uid);
  return Map.groupBy(own, (object) => object.metadata.annotations?.[WORKFLOW_STEP_ANNOTATION] ?? '');
}
