/** What is known of an experiment at one moment, and what can follow from it. */
import type { ExperimentSpec, ExperimentStatus, ProbeSamples, TargetEvidence, TargetStatus } from '@chaosplane/api';
import type { Finding } from '../policy/finding.ts';
import type { PolicyInput } from '../policy/input.ts';
import type { Candidate, Selection } from './select.ts';

/** An execution, as its daemon tells it. */
export interface ObservedExecution {
  readonly live: boolean;
  /** Why it ended. */
  readonly endReason?: string;
  /** Nothing but an undo ends it: it has no deadline in a kernel. Absent: it ends by itself. */
  readonly lasting?: true;
  /** Why its undo has not finished. */
  readonly error?: string;
  readonly evidence?: TargetEvidence;
  /** How long it was in force, by the clock of its node; once it has ended. */
  readonly inForceMs?: number;
}

/**
 * Outcome of a probe, or of the probes of one side of the steady state. `pass`: it was measured, and is as expected. `fail`: it was
 * measured, or what is judged gave no answer, and is not as expected. `error`: nothing was measured, so it is not known.
 */
export interface ProbeOutcome {
  readonly outcome: 'pass' | 'fail' | 'error';
  /** What was asked, and what came of it; for `fail` and `error` the cause. */
  readonly message: string;
  /** How long it took, in milliseconds: of a probe its last attempt, of several probes all together. */
  readonly tookMs: number;
}

/** Why nothing of an experiment is begun. */
export interface Refusal {
  readonly reason: 'InvalidSpec' | 'TooManyExperiments' | 'PolicyDenied';
  readonly message: string;
}

/** Everything that is known at one moment. */
export interface Observation {
  /** Undefined: what was written down of it cannot be understood. */
  readonly spec: ExperimentSpec | undefined;
  /** The namespace of the experiment itself. Candidates of others are not told by their names. */
  readonly home?: string;
  /** Needed in the phase Pending only. */
  readonly refusal?: Refusal;
  readonly status: ExperimentStatus;
  /** What may be chosen; needed in the phase Pending, and of dynamic targets also in the phase Running. */
  readonly candidates: readonly Candidate[];
  /** Draws the targets when the spec gives no seed; the same in every observation of one experiment. */
  readonly seed: number;
  readonly executions: ReadonlyMap<string, ObservedExecution>;
  /** The last outcome of each side, when it was probed. */
  readonly before?: ProbeOutcome;
  readonly after?: ProbeOutcome;
  /** What the samples say by now of each probe of `steadyState.during`; absent: none are taken. */
  readonly samples?: readonly ProbeSamples[];
  /** Whether every abort condition has been asked, and does not want the experiment to end. Absent: there are none. */
  readonly guarded?: boolean;
  /** Why it is to end now. */
  readonly abort?: string;
  /**
   * How often each target, by uid, was asked for in vain. Those that were asked for least come first, so that a node that
   * does not answer keeps no other target waiting.
   */
  readonly tried?: ReadonlyMap<string, number>;
  /** Injections that go on while others are decided. Absent: none ever does. */
  readonly asking?: Asking;
  /** Absent: there are no policies. */
  readonly policy?: PolicyInput;
  /** How long to wait at most before looking again when nothing is due, in milliseconds. Default: 500. */
  readonly lookAgainMs?: number;
}

/** An observation of an experiment that is understood. */
export interface Understood extends Observation {
  readonly spec: ExperimentSpec;
}

/** Injections that were asked for and have not been answered, and those that it is too early for. */
export interface Asking {
  /** Targets, by uid, that are not to be asked for now: each is under way already, or its turn has not come yet. */
  readonly held: ReadonlySet<string>;
  /** How many of the injections that are allowed at the same time are under way. */
  readonly underWay: number;
  /** Why a target, by uid, is not hit yet, where that is known. */
  readonly why: ReadonlyMap<string, string>;
}

/** Why an experiment may not begin, or what is to be noted of policies that only audit. */
export type Judgement = { readonly denied: string } | { readonly audited: readonly Finding[] };

/** Targets that were chosen for a dry run. */
export interface DryRun {
  readonly spec: ExperimentSpec;
  readonly selection: Selection;
  readonly policies: Judgement;
  /** The namespace of the experiment itself. */
  readonly home?: string;
}

/** The one thing to do next. */
export type Decision =
  /** Write this status down; then observe again. */
  | { readonly kind: 'advance'; readonly status: ExperimentStatus }
  | { readonly kind: 'probe'; readonly side: 'before' | 'after' }
  /** A dry run: ask what each target would get; it ends the experiment. */
  | { readonly kind: 'preview'; readonly dryRun: DryRun }
  | { readonly kind: 'inject'; readonly targets: readonly TargetStatus[]; readonly ttlMs: number }
  /** Write the status down, then move the deadlines of these executions: they were long enough for the latest end there could be. */
  | {
      readonly kind: 'extend';
      readonly executionIds: readonly string[];
      readonly ttlMs: number;
      readonly status: ExperimentStatus;
    }
  | { readonly kind: 'cancel'; readonly executionIds: readonly string[] }
  /** Nothing before `until`, unless something changes. */
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'done' };
