/** Schedules, as the API server has them. */
import type { KubeObject } from '@chaosplane/kube/object';
import type { ScheduleStatusDocument } from './status-document.ts';

/** A ChaosSchedule. Its spec is anything that the schema of the API server let pass. */
export interface ScheduleObject extends KubeObject {
  readonly spec: unknown;
  readonly status?: ScheduleStatusDocument;
}

/** When the spec was changed last at the latest, in milliseconds; undefined when the object does not tell. */
export function specChangedAt({ metadata }: Pick<ScheduleObject, 'metadata'>): number | undefined {
  // An entry without a subresource is about the object itself; each has the time of its last change.
  const times = (metadata.managedFields ?? [])
    .filter(({ subresource }) => subresource === undefined || subresource === '')
    .flatMap(({ time }) => (time === undefined ? [] : [Date.parse(time)]));
  return times.length === 0 ? undefined : Math.max(...times);
}
