/** What is known of a schedule at one moment, and what is decided from it. Times are milliseconds since the epoch. */
import type { RunKind, ScheduleSpec, ScheduleStatus, SkippedRun } from '@chaosplane/api';

/** An experiment or a workflow that a schedule has made. */
export interface ChildRun {
  readonly kind: RunKind;
  readonly name: string;
  readonly uid: string;
  readonly scheduledFor: number;
  /** Whether nothing more will happen to it, and how it ended; `ending`: its end was asked for. */
  readonly state: 'running' | 'ending' | 'succeeded' | 'failed';
  /** Whether its deletion was asked for. */
  readonly isDeleted: boolean;
}

/** What is known of a schedule. */
export interface ScheduleObservation {
  readonly name: string;
  readonly uid: string;
  readonly createdAt: number;
  readonly generation: number;
  /** When its spec was changed last, at the latest. */
  readonly changedAt: number;
  /** Undefined: it cannot be understood, and `broken` says why. */
  readonly spec: ScheduleSpec | undefined;
  readonly broken?: string;
  /** As it was written last. */
  readonly status: ScheduleStatus;
  readonly children: readonly ChildRun[];
  /** What the probes of startWhen have said for the run that is due. */
  readonly asked?: Asked;
  /** The run that the API server does not take, and why. */
  readonly refused?: { readonly scheduledFor: number; readonly reason: string };
}

/** What probes have said last. */
export interface Asked {
  readonly scheduledFor: number;
  readonly passed: boolean;
  readonly message: string;
}

/** A run that is to be made. */
export interface NewRun {
  readonly kind: RunKind;
  readonly name: string;
  readonly scheduledFor: number;
}

/** The one thing to do next. */
export type ScheduleDecision =
  /** Write the status: what follows builds on it. */
  | { readonly kind: 'report'; readonly status: ScheduleStatus; readonly skipped?: SkippedRun }
  /** Make this run; where it is there already, nothing. */
  | { readonly kind: 'create'; readonly run: NewRun }
  /** Ended runs of which there are more than are kept. */
  | { readonly kind: 'delete'; readonly children: readonly ChildRun[] }
  /** Runs whose place another one takes. */
  | { readonly kind: 'abort'; readonly children: readonly ChildRun[] }
  /** Ask the probes of startWhen, until then at the latest. */
  | { readonly kind: 'ask'; readonly scheduledFor: number; readonly until: number }
  /** Nothing before then; without a time, until something changes. */
  | { readonly kind: 'wait'; readonly until?: number };
