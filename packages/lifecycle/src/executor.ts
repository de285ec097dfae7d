/** How an action reaches its targets: the same few verbs, whichever program carries it out. */
import type { TargetEvidence, TargetStatus } from '@chaosplane/api';
import type { ObservedExecution } from './experiment/observation.ts';

/** What came of one injection. */
export type Injected =
  | {
      readonly kind: 'injected';
      readonly executionId: string;
      /** Absent: it has no deadline. */
      readonly expiresAt?: number;
      /** What was found before anything was done, where that is needed to judge it later. */
      readonly evidence?: TargetEvidence;
    }
  /** It will not succeed. */
  | { readonly kind: 'missed'; readonly why: string }
  /** It may succeed later. */
  | { readonly kind: 'retry'; readonly why: string };

/** How far a cancel has come: every execution was answered, those of some nodes, or nothing new. */
export type Cancelled = 'all' | 'some' | 'none';

/**
 * The verbs. Each of them may be repeated. Each asks every node by itself and may return before all have answered: a later call
 * then tells what came.
 */
export interface Executor {
  /** Whether the target's node was asked and does not answer: other nodes are not to wait for it. */
  isUnresponsive(target: TargetStatus): boolean;
  /** Waits for the answer, however long it takes; the signal takes the call back. */
  inject(target: TargetStatus, ttlMs: number, signal: AbortSignal): Promise<Injected>;
  /** What the target would get; throws what an injection would be refused with. */
  preview(target: TargetStatus): Promise<string>;
  /**
   * Every execution of the experiment, by id, as far as it can be told at this moment: when all nodes have answered, or some
   * where that is enough.
   */
  observe(targets: readonly TargetStatus[], enough: 'all' | 'some'): Promise<ReadonlyMap<string, ObservedExecution>>;
  /** Asks for the end of executions. */
  cancel(executionIds: readonly string[], targets: readonly TargetStatus[]): Promise<Cancelled>;
  /** Absent: executions have no deadline. */
  readonly deadline?: Deadlines;
  /** Absent: executions have no peers, or peers that cannot change. */
  readonly peers?: Peers;
}

/** Executions that end by themselves at a deadline. */
export interface Deadlines {
  /** Moves the deadlines to `ttlMs` from now. */
  extend(executionIds: readonly string[], targets: readonly TargetStatus[], ttlMs: number): Promise<void>;
}

/** Executions whose peers can change. */
export interface Peers {
  /**
   * The peers that executions should have at this moment, as text.
   * @throws ChaosError FAILED_PRECONDITION when they cannot be told.
   */
  current(): string;
  /** Tells the daemons the peers of this moment; true when every one has answered. */
  follow(targets: readonly TargetStatus[]): Promise<boolean>;
}
