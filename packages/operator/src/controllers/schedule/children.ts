/** The experiments of a schedule, as its decisions see them. */
import {
  isFinal,
  SCHEDULE_UID_LABEL,
  scheduledForOf,
  SCHEDULED_FOR_ANNOTATION,
  scheduleOwner,
  scheduleUidOf,
  whyAbort,
  type ExperimentObject,
  type ScheduleObject,
} from '@chaosplane/api';
import type { Created } from '@chaosplane/kube';
import type { ChildRun } from '@chaosplane/lifecycle';

/** Where it stands. What completed and did not hold is among the failed: it is what one wants to look at. */
export function stateOf(object: ExperimentObject): ChildRun['state'] {
  const { phase = 'Pending', verdict } = object.status ?? {};
  if (!isFinal({ phase })) return whyAbort(object) === undefined ? 'running' : 'ending';
  return phase === 'Completed' && verdict !== 'NotHeld' ? 'succeeded' : 'failed';
}

/** Undefined when the schedule of that uid did not make it. */
export function childRunOf(object: ExperimentObject, uid: string): ChildRun | undefined {
  const scheduledFor = scheduledForOf(object);
  if (scheduleUidOf(object) !== uid || scheduledFor === undefined) return undefined;
  const { metadata } = object;
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    scheduledFor,
    state: stateOf(object),
    isDeleted: metadata.deletionTimestamp !== undefined,
  };
}

/** The experiment of one run, to be made. Its spec is that of the schedule, word by word. */
export function experimentOf(
  schedule: ScheduleObject,
  { name, scheduledFor }: { readonly name: string; readonly scheduledFor: number },
): Created<ExperimentObject> {
  const { namespace = '', uid = '' } = schedule.metadata;
  const { experiment } = schedule.spec as { readonly experiment: unknown };
  return {
    metadata: {
      name,
      namespace,
      labels: { [SCHEDULE_UID_LABEL]: uid },
      annotations: { [SCHEDULED_FOR_ANNOTATION]: new Date(scheduledFor).toISOString() },
      ownerReferences: [scheduleOwner(schedule)],
    },
    spec: experiment,
  };
}
