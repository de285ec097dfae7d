/** How an action reaches its targets: the same few verbs, whether a daemon carries it out or the operator itself. */
import type { ObservedExecution } from '@chaosplane/lifecycle';
import type { TargetStatus } from '@chaosplane/api';

/** So long after its deadline the kernel has certainly ended a fault of the network or of a process, whatever its daemon does. */
export const EXPIRY_MARGIN_MS = 30_000;

/** What came of one injection. */
export type Injected =
  | { readonly kind: 'injected'; readonly executionId: string; readonly expiresAt?: number }
  /** It will not succeed. */
  | { readonly kind: 'missed'; readonly why: string }
  /** It may succeed later. */
  | { readonly kind: 'retry'; readonly why: string };

/** How far a cancel has come: every execution was answered, those of some nodes, or nothing new. */
export type Cancelled = 'all' | 'some' | 'none';

/**
 * The verbs. All of them may be repeated at will. Each asks every node by itself and waits a moment: what is answered later is
 * heard by the next visit to the experiment.
 */
export interface Executor {
  /** Whether the target's node is asked and does not answer: others are not to wait for it. */
  isSilent(target: TargetStatus): boolean;
  /** Waits for the answer, however long it takes; the signal takes the call back. */
  inject(target: TargetStatus, ttlMs: number, signal: AbortSignal): Promise<Injected>;
  /** What each target would get, in one line; throws what an injection would be refused with. */
  rehearse(target: TargetStatus): Promise<string>;
  /**
   * Every execution of the experiment, by id, as far as it can be told at this moment: when all nodes have answered, or some
   * where that is enough.
   */
  observe(targets: readonly TargetStatus[], enough: 'all' | 'some'): Promise<ReadonlyMap<string, ObservedExecution>>;
  /**
   * The peers that executions should have at this moment, as text; undefined when they cannot change.
   * @throws ChaosError FAILED_PRECONDITION when they cannot be told.
   */
  peersNow(): string | undefined;
  /** Tells the daemons the peers of this moment; true when every one has answered. */
  follow(targets: readonly TargetStatus[]): Promise<boolean>;
  /** Moves the deadlines to `ttlMs` from now. */
  extend(executionIds: readonly string[], targets: readonly TargetStatus[], ttlMs: number): Promise<void>;
  /** Asks for the end of executions. */
  cancel(executionIds: readonly string[], targets: readonly TargetStatus[]): Promise<Cancelled>;
}
