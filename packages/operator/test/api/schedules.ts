/** Schedules on a stage. */
import {
  chaosExperiments,
  chaosSchedules,
  chaosWorkflows,
  scheduleUidOf,
  type ExperimentObject,
  type ScheduleObject,
  type WorkflowObject,
} from '@chaosplane/api';
import type { ResourceType } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import type { Stage } from './stage.ts';

type RunObject = ExperimentObject | WorkflowObject;

/** A second of delay for the pods of the stage that are labelled so. */
export const experiment = {
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '1s',
};

/** Every ten seconds, as seldom as it may be. */
export const often = { schedule: '@every 10s', experiment };

/** Writes a schedule as a user does. */
export function applySchedule({ client, namespace }: Stage, name: string, spec: object): Promise<ScheduleObject> {
  const { apiVersion, kind } = chaosSchedules;
  const object = { apiVersion, kind, metadata: { namespace, name }, spec };
  return client.apply(chaosSchedules, object, { fieldManager: 'test' });
}

/** Changes some fields of its spec. */
export function changeSchedule({ client, namespace }: Stage, name: string, spec: object): Promise<ScheduleObject> {
  return client.patch(chaosSchedules, { namespace, name }, { kind: 'merge', body: { spec } });
}

/** The schedule as soon as it is like that. */
export function untilSchedule(
  { client, namespace }: Stage,
  name: string,
  like: (object: ScheduleObject) => boolean,
  withinMs = 40_000,
): Promise<ScheduleObject> {
  const find = async (): Promise<ScheduleObject | undefined> => {
    const object = await client.get(chaosSchedules, { namespace, name });
    return object !== undefined && like(object) ? object : undefined;
  };
  return eventually(`the schedule ${name}`, find, { withinMs });
}

/** The runs of a schedule that are of a kind, the oldest first. */
async function owned<T extends RunObject>(
  type: ResourceType<T>,
  { client, namespace }: Stage,
  { metadata }: Pick<ScheduleObject, 'metadata'>,
): Promise<readonly T[]> {
  const { items } = await client.list(type, { namespace });
  return items
    .filter((object) => scheduleUidOf(object) === metadata.uid)
    .toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
}

/** The experiments of a schedule, the oldest first. */
export const runsOf = (
  stage: Stage,
  schedule: Pick<ScheduleObject, 'metadata'>,
): Promise<readonly ExperimentObject[]> => owned(chaosExperiments, stage, schedule);

/** The same of workflows. */
export const workflowsOf = (
  stage: Stage,
  schedule: Pick<ScheduleObject, 'metadata'>,
): Promise<readonly WorkflowObject[]> => owned(chaosWorkflows, stage, schedule);

/** Which of them are waited for, and how many. */
interface Awaited<T> {
  readonly count: number;
  readonly like?: (object: T) => boolean;
}

function until<T extends RunObject>(
  type: ResourceType<T>,
  stage: Stage,
  schedule: ScheduleObject,
  { count, like = () => true }: Awaited<T>,
): Promise<readonly T[]> {
  const find = async (): Promise<readonly T[] | undefined> => {
    const runs = (await owned(type, stage, schedule)).filter(like);
    return runs.length >= count ? runs : undefined;
  };
  return eventually(`${count} ${type.plural} of ${schedule.metadata.name}`, find, { withinMs: 60_000 });
}

/** The experiments of a schedule, as soon as there are so many that are like that. */
export const untilRuns = (
  stage: Stage,
  schedule: ScheduleObject,
  awaited: Awaited<ExperimentObject>,
): Promise<readonly ExperimentObject[]> => until(chaosExperiments, stage, schedule, awaited);

/** The same of workflows. */
export const untilWorkflows = (
  stage: Stage,
  schedule: ScheduleObject,
  awaited: Awaited<WorkflowObject>,
): Promise<readonly WorkflowObject[]> => until(chaosWorkflows, stage, schedule, awaited);

/** For when the run is planned that is the how-manieth of `@every 10s`. */
export function instantOf({ metadata }: ScheduleObject, count: number): number {
  return Date.parse(metadata.creationTimestamp ?? '') + count * 10_000;
}
