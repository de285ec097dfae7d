/** What is known of a schedule. Times are milliseconds since the epoch. */
import type { ConditionOf } from '../shared/condition.ts';
import type { scheduleReasons } from './reasons.ts';

/** What a run is. */
export const runKinds = ['ChaosExperiment', 'ChaosWorkflow'] as const;
export type RunKind = (typeof runKinds)[number];

/** A run that is under way. */
export interface ActiveRun {
  readonly kind: RunKind;
  readonly name: string;
  readonly uid: string;
  readonly scheduledFor: number;
}

/** A run that did not begin. */
export interface SkippedRun {
  /** For when it was planned. */
  readonly time: number;
  /** For people. */
  readonly reason: string;
}

/** A condition of a schedule. */
export type ScheduleCondition = ConditionOf<typeof scheduleReasons>;

/** How many runs of a schedule there are. */
export interface RunCounts {
  readonly active: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** The state of a schedule. */
export interface ScheduleStatus {
  /** The generation of the spec that this is about; absent: none was looked at. */
  readonly observedGeneration?: number;
  /** What was planned until then is not run: the schedule did not exist, or had another spec. It never goes back. */
  readonly countsFrom?: number;
  /** For when the last run was planned that began. It never goes back. */
  readonly lastScheduleTime?: number;
  readonly lastSkipped?: SkippedRun;
  /** For when the next ones are planned. */
  readonly nextRuns: readonly number[];
  readonly active: readonly ActiveRun[];
  readonly counts: RunCounts;
  readonly conditions: readonly ScheduleCondition[];
  readonly message?: string;
}

/** Before anything has happened. */
export const initialScheduleStatus: ScheduleStatus = {
  nextRuns: [],
  active: [],
  counts: { active: 0, succeeded: 0, failed: 0 },
  conditions: [],
};
