/** Schedules on a stage. */
import {
  chaosExperiments,
  chaosSchedules,
  scheduleUidOf,
  type ExperimentObject,
  type ScheduleObject,
} from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import type { Stage } from './stage.ts';

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

/** The experiments of a schedule, the oldest first. */
export async function runsOf(
  { client, namespace }: Stage,
  { metadata }: Pick<ScheduleObject, 'metadata'>,
): Promise<readonly ExperimentObject[]> {
  const { items } = await client.list(chaosExperiments, { namespace });
  return items
    .filter((object) => scheduleUidOf(object) === metadata.uid)
    .toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
}

/** Those experiments, as soon as there are so many that are like that. */
export function untilRuns(
  stage: Stage,
  schedule: ScheduleObject,
  { count, like = () => true }: { readonly count: number; readonly like?: (object: ExperimentObject) => boolean },
): Promise<readonly ExperimentObject[]> {
  const find = async (): Promise<readonly ExperimentObject[] | undefined> => {
    const runs = (await runsOf(stage, schedule)).filter(like);
    return runs.length >= count ? runs : undefined;
  };
  return eventually(`${count} runs of ${schedule.metadata.name}`, find, { withinMs: 60_000 });
}

/** For when the run is planned that is the how-manieth of `@every 10s`. */
export function instantOf({ metadata }: ScheduleObject, count: number): number {
  return Date.parse(metadata.creationTimestamp ?? '') + count * 10_000;
}
