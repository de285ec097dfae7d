/** The status of a schedule as Kubernetes keeps it: its schema, and the way there and back. Pure. */
import { defined } from '@chaosplane/common/pure';
import * as z from 'zod';
import { conditionDocuments, readConditions, time, writtenConditions } from '../shared/condition-document.ts';
import { gitopsConditions, type GitopsCondition } from '../shared/gitops.ts';
import { scheduleReasons } from './reasons.ts';
import {
  initialScheduleStatus,
  runKinds,
  type ActiveRun,
  type ScheduleCondition,
  type ScheduleStatus,
} from './status.ts';

/** So many of the next runs are shown. */
export const SHOWN_RUNS = 5;

/** So many of the runs are shown that are under way. */
export const SHOWN_ACTIVE = 100;

/** The status of a ChaosSchedule. Times are RFC 3339. */
export const scheduleStatusSchema = z.object({
  observedGeneration: z.int().optional().describe('The generation of the spec that this is about.'),
  message: z.string().optional().describe('What to know of it, in one sentence.'),
  countsFrom: time
    .optional()
    .describe('What was planned until then is not run: the schedule did not exist, or had another spec.'),
  lastScheduleTime: time.optional().describe('For when the last run was planned that began.'),
  lastSkipped: z
    .object({
      time: time.describe('For when it was planned.'),
      reason: z.string().describe('Why it did not begin.'),
    })
    .optional()
    .describe('The last run that did not begin.'),
  nextRuns: z
    .array(time)
    .max(SHOWN_RUNS)
    .optional()
    .describe(`For when the next ${SHOWN_RUNS} runs are planned, by the clock of its time zone.`),
  active: z
    .array(
      z.object({
        kind: z.enum(runKinds).optional().describe('What it is. Absent: a ChaosExperiment.'),
        name: z.string().describe('Its name.'),
        uid: z.string().describe('Tells it from a later one of its name.'),
        scheduledFor: time.describe('For when it was planned.'),
      }),
    )
    .max(SHOWN_ACTIVE)
    .optional()
    .describe('Runs that are under way.'),
  counts: z
    .object({
      active: z.int().describe('Are under way.'),
      succeeded: z.int().describe('Completed, and are kept.'),
      failed: z.int().describe('Failed, were aborted, or did not hold, and are kept.'),
    })
    .optional()
    .describe('How many runs it has.'),
  conditions: conditionDocuments
    .optional()
    .describe(`What is known of it: ${['Stalled', ...Object.keys(scheduleReasons)].join(', ')}.`),
});

/** The status of a ChaosSchedule, as it is written. */
export type ScheduleStatusDocument = z.output<typeof scheduleStatusSchema>;

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

/** What a status is written with. */
export interface WriteContext {
  readonly previous: ScheduleStatusDocument | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** An instant as a clock in the time zone of the schedule shows it, with its offset. */
  readonly local: (at: number) => string;
}

/** The status, to be written. Conditions keep the time of their last change from `previous`. */
export function scheduleStatusDocument(
  status: ScheduleStatus,
  { previous, now, local }: WriteContext,
): ScheduleStatusDocument {
  const { observedGeneration, countsFrom, lastScheduleTime, lastSkipped, nextRuns, active, counts, conditions } =
    status;
  return {
    ...defined({
      observedGeneration,
      message: status.message,
      countsFrom: countsFrom === undefined ? undefined : iso(countsFrom),
      lastScheduleTime: lastScheduleTime === undefined ? undefined : iso(lastScheduleTime),
      lastSkipped: lastSkipped === undefined ? undefined : { ...lastSkipped, time: iso(lastSkipped.time) },
    }),
    nextRuns: nextRuns.slice(0, SHOWN_RUNS).map(local),
    active: active.slice(0, SHOWN_ACTIVE).map(activeDocument),
    counts,
    conditions: writtenConditions(withGitops(conditions), {
      previous: previous?.conditions,
      generation: observedGeneration,
      now: iso(now),
    }),
  };
}

/** Without the kind of experiments: a resource definition that is older than the operator does not know it, and refuses the whole status. */
function activeDocument({ kind, name, uid, scheduledFor }: ActiveRun): ActiveDocument {
  const told = kind === 'ChaosExperiment' ? {} : { kind };
  return { ...told, name, uid, scheduledFor: iso(scheduledFor) };
}

type ActiveDocument = NonNullable<ScheduleStatusDocument['active']>[number];

/** A schedule that is understood is what its author wants, suspended or not; one that is not needs its author. */
function withGitops(conditions: readonly ScheduleCondition[]): readonly (GitopsCondition | ScheduleCondition)[] {
  return conditions.flatMap((condition): readonly (GitopsCondition | ScheduleCondition)[] => {
    if (condition.type !== 'Ready') return [condition];
    const { status, reason, message } = condition;
    return gitopsConditions({ state: status === 'True' ? 'Well' : 'Stalled', reason, message });
  });
}

/** The status that was written. */
export function scheduleStatusFrom(document: ScheduleStatusDocument | undefined): ScheduleStatus {
  if (document === undefined) return initialScheduleStatus;
  const { observedGeneration, message, countsFrom, lastScheduleTime, lastSkipped } = document;
  return {
    ...defined({
      observedGeneration,
      message,
      countsFrom: countsFrom === undefined ? undefined : Date.parse(countsFrom),
      lastScheduleTime: lastScheduleTime === undefined ? undefined : Date.parse(lastScheduleTime),
      lastSkipped: lastSkipped === undefined ? undefined : { ...lastSkipped, time: Date.parse(lastSkipped.time) },
    }),
    nextRuns: (document.nextRuns ?? []).map((at) => Date.parse(at)),
    active: (document.active ?? []).map(({ kind = 'ChaosExperiment', name, uid, scheduledFor }) => ({
      ...{ kind, name, uid },
      scheduledFor: Date.parse(scheduledFor),
    })),
    counts: document.counts ?? initialScheduleStatus.counts,
    conditions: readConditions(document.conditions, scheduleReasons),
  };
}
