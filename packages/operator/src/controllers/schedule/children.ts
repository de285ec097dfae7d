/** The experiments and workflows of a schedule, as its decisions see them. */
import {
  chaosExperiments,
  chaosWorkflows,
  SCHEDULE_UID_LABEL,
  scheduledForOf,
  SCHEDULED_FOR_ANNOTATION,
  scheduleOwner,
  scheduleUidOf,
  whyAbort,
  type ExperimentObject,
  type RunKind,
  type ScheduleObject,
  type WorkflowObject,
} from '@chaosplane/api';
import type { Created, ResourceType } from '@chaosplane/kube';
import type { ChildRun, NewRun } from '@chaosplane/lifecycle';

/** What a run is on the API server. */
export type RunObject = ExperimentObject | WorkflowObject;

/** The kinds of runs. */
export const runTypes: Readonly<Record<RunKind, ResourceType<RunObject>>> = {
  ChaosExperiment: chaosExperiments,
  ChaosWorkflow: chaosWorkflows,
};

/** What people call a run of that kind. */
export const runWords = { ChaosExperiment: 'experiment', ChaosWorkflow: 'workflow' } as const satisfies Readonly<
  Record<RunKind, string>
>;

/** Where it stands. What completed and did not hold is among the failed: it is what one wants to look at. */
export function stateOf(object: RunObject): ChildRun['state'] {
  const { phase, verdict } = object.status ?? {};
  switch (phase) {
    case 'Completed':
      return verdict === 'NotHeld' ? 'failed' : 'succeeded';
    case 'Failed':
    case 'Aborted':
      return 'failed';
    default:
      return whyAbort(object) === undefined ? 'running' : 'ending';
  }
}

/** Undefined when the schedule of that uid did not make it. */
export function childRunOf(object: RunObject, uid: string): ChildRun | undefined {
  const scheduledFor = scheduledForOf(object);
  if (scheduleUidOf(object) !== uid || scheduledFor === undefined) return undefined;
  const { kind, metadata } = object;
  return {
    kind: kind === 'ChaosWorkflow' ? kind : 'ChaosExperiment',
    name: metadata.name,
    uid: metadata.uid ?? '',
    scheduledFor,
    state: stateOf(object),
    isDeleted: metadata.deletionTimestamp !== undefined,
  };
}

/** What is to be made for one run. Its spec is that in the schedule, word by word. */
export function objectOf(schedule: ScheduleObject, { kind, name, scheduledFor }: NewRun): Created<RunObject> {
  const { namespace = '', uid = '' } = schedule.metadata;
  const spec = schedule.spec as { readonly experiment?: unknown; readonly workflow?: unknown };
  return {
    metadata: {
      name,
      namespace,
      labels: { [SCHEDULE_UID_LABEL]: uid },
      annotations: { [SCHEDULED_FOR_ANNOTATION]: new Date(scheduledFor).toISOString() },
      ownerReferences: [scheduleOwner(schedule)],
    },
    spec: kind === 'ChaosWorkflow' ? spec.workflow : spec.experiment,
  };
}
