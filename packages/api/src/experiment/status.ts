/** What is known of a running experiment: phase, conditions, targets with their evidence. Times are milliseconds since the epoch. */
import type { ConditionOf } from '../shared/condition.ts';
import type { experimentReasons } from './reasons.ts';
import type { ProbeSamples } from './samples.ts';

/** The life of an experiment, in order; the last three are final. */
export type Phase =
  'Pending' | 'SteadyStateChecking' | 'Running' | 'Completing' | 'Recovering' | 'Completed' | 'Failed' | 'Aborted';

/** Where one target stands. */
export type TargetState =
  /** Chosen; nothing was asked of its node yet. */
  | 'Selected'
  | 'Injected'
  /** Could not be injected. */
  | 'Missed'
  /** Its execution has ended and nothing of it is left. */
  | 'Recovered';

/** What was measured, as the daemon tells it. */
export interface TargetEvidence {
  readonly verdict: 'Verified' | 'NoTraffic' | 'NotObserved' | 'Unknown';
  readonly engine: string;
  readonly summary: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

/** One target. */
export interface TargetStatus {
  /** Empty for a node. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The node that it runs on, or is; absent where there is only one. */
  readonly node?: string;
  /** Which boot of a node was chosen, where that is known. */
  readonly bootId?: string;
  readonly state: TargetState;
  readonly executionId?: string;
  readonly injectedAt?: number;
  /** When its node ends it at the latest. */
  readonly expiresAt?: number;
  /** Why it was missed. */
  readonly message?: string;
  /** Why its execution ended before the experiment did. */
  readonly endedEarly?: string;
  readonly evidence?: TargetEvidence;
  /** How long its fault was in force, by the clock of its node, in milliseconds; the duration was asked for. */
  readonly inForceMs?: number;
}

/** A condition of an experiment. */
export type ExperimentCondition = ConditionOf<typeof experimentReasons>;

/** How an experiment ends, and why. */
export interface Outcome {
  readonly phase: 'Completed' | 'Failed' | 'Aborted';
  readonly message: string;
}

/**
 * What an experiment says of its hypothesis once it has ended. Whether it ran is another question, which the phase answers. `Held`:
 * the fault took effect, and the steady state was kept. `NotHeld`: it was lost, or the fault took no effect. `Inconclusive`: neither
 * can be said. Why is in the condition HypothesisHeld.
 */
export const verdicts = ['Held', 'NotHeld', 'Inconclusive'] as const;

/** One of them. */
export type Verdict = (typeof verdicts)[number];

/** The state of an experiment. */
export interface ExperimentStatus {
  readonly phase: Phase;
  readonly targets: readonly TargetStatus[];
  readonly conditions: readonly ExperimentCondition[];
  /** When the phase Running began. */
  readonly startedAt?: number;
  /** When the duration began to count. */
  readonly effectiveAt?: number;
  /** When the phase Recovering began. */
  readonly recoveringAt?: number;
  readonly endedAt?: number;
  /** How the experiment will end once it has recovered. */
  readonly outcome?: Outcome;
  /** Absent until it has ended, and for a dry run. */
  readonly verdict?: Verdict;
  /** When all executions had ended; noted where samples are taken until the steady state is back. */
  readonly recoveredAt?: number;
  /** Of each probe of `steadyState.during`, in their order. */
  readonly samples?: readonly ProbeSamples[];
}

/** A target as people know it: `shop/web`, `node n1`. */
export function targetName({ namespace, name }: Pick<TargetStatus, 'namespace' | 'name'>): string {
  return namespace === '' ? `node ${name}` : `${namespace}/${name}`;
}

/** Before anything has happened. */
export const initialStatus: ExperimentStatus = { phase: 'Pending', targets: [], conditions: [] };

/** Whether nothing more will happen. */
export function isFinal({ phase }: Pick<ExperimentStatus, 'phase'>): boolean {
  return phase === 'Completed' || phase === 'Failed' || phase === 'Aborted';
}

/** The status with changed targets, by uid. */
export function withTargets(
  status: ExperimentStatus,
  changed: ReadonlyMap<string, Partial<TargetStatus>>,
): ExperimentStatus {
  return { ...status, targets: status.targets.map((target) => ({ ...target, ...changed.get(target.uid) })) };
}
