/** What decisions are carried out with: the operator has one set of these, `chaosplane run` another. */
import type { ExperimentStatus, TargetStatus } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common/pure';
import type { Executor } from './executor.ts';
import type { PlanRoom } from './experiment/dry-run.ts';
import type { ProbeOutcome } from './experiment/observation.ts';

/** When an experiment is looked at again: after that time; undefined: at once. */
export type Next = { readonly requeueAfterMs: number } | undefined;

/** Where the status is kept. */
export interface StatusStore {
  /** What is known by now. */
  status: ExperimentStatus;
  /** Writes the status down. */
  save(): Promise<void>;
}

/** How targets are injected. */
export interface Injections {
  begin(targets: readonly TargetStatus[], ttlMs: number): Promise<Next>;
  /** Nothing can be begun before `until`, unless one of those that are under way is answered. */
  wait(until: number): Promise<Next>;
}

/** How the steady state is asked for. */
export interface ProbePort {
  /** The outcome of one side; undefined while its probes are under way. */
  ask(side: 'before' | 'after'): Promise<ProbeOutcome | undefined>;
  /** Ends probes that are under way: their outcome is not needed any more. */
  stop(): void;
}

/** What is remembered from one decision to the next, and may be forgotten: another operator begins without it. */
export interface DecisionMemory {
  before?: ProbeOutcome;
  after?: ProbeOutcome;
  /** The executions that were cancelled last. */
  lastCancelled: string;
  /** The peers that the daemons were told last, or why they could not be told. */
  peers?: string;
  /** On the monotonic clock: when evidence was last noted. */
  evidenceAt: number;
}

/** Remembers nothing yet. */
export function newDecisionMemory(): DecisionMemory {
  return { lastCancelled: '', evidenceAt: -Infinity };
}

/** Everything that a decision is carried out with. */
export interface Ports {
  readonly executor: Executor;
  readonly injections: Injections;
  readonly probes: ProbePort;
  readonly store: StatusStore;
  readonly memory: DecisionMemory;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** How long to wait before something that did not succeed is tried again. */
  readonly retryMs: number;
  /** How often evidence is noted while faults are in force. */
  readonly evidenceMs: number;
  /** What an error of the executor says, for people. */
  readonly reasonOf: (error: unknown) => string;
  /** Is told when the end of executions has been asked for, once for the same executions. */
  readonly onCancelled?: (executions: number) => void;
  /** How much of what the targets of a dry run would get goes into the status. Absent: all. */
  readonly planRoom?: PlanRoom;
  /** Is told why the peers stay as they were, once for each reason. */
  readonly onPeersLost?: (why: string) => void;
}
