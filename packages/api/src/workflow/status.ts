/** What is known of a workflow: where each of its steps stands, and the whole. Times are milliseconds since the epoch. */
import type { Verdict } from '../experiment/status.ts';

/** Where a step stands in the workflow, such as `both/slow`. */
export type NodeId = string;

/** Where a step stands. The last five are final. */
export type NodePhase =
  /** Its dependencies are not over, or there is no room for it. */
  | 'Pending'
  | 'Running'
  /** It has failed, and is tried again at `retryAt`. */
  | 'Waiting'
  | 'Succeeded'
  | 'Failed'
  /** `when` was false, or a condition before it was. */
  | 'Skipped'
  /** It was ended before it was over. */
  | 'Aborted';

/** What a step has found, for the expressions of later ones. */
export interface StepResult {
  readonly verdict?: Verdict;
  /** Of a condition: what it was. */
  readonly value?: boolean;
  /** What was measured: numbers by name, durations in milliseconds. */
  readonly measured?: Readonly<Record<string, number>>;
}

/** One step. */
export interface NodeState {
  readonly phase: NodePhase;
  /** How often it has begun: 1 for the first time. */
  readonly attempt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly retryAt?: number;
  /** Why it is so, for people. */
  readonly message?: string;
  readonly result?: StepResult;
  /** The attempt whose experiment was made. */
  readonly asked?: number;
  /** It is done at the exit, and the end of the workflow was wished for once more. */
  readonly isEnded?: true;
  /** Steps that wait for it are skipped: it is a condition that was false, or was skipped for one. */
  readonly isCut?: true;
}

/** The life of a workflow, in order; the last three are final. */
export type WorkflowPhase =
  | 'Pending'
  | 'Running'
  /** What is in force is being recovered. */
  | 'Ending'
  /** The steps of onExit are done. */
  | 'Exiting'
  | 'Completed'
  | 'Failed'
  | 'Aborted';

/** How a workflow ends, and why. */
export interface WorkflowOutcome {
  readonly phase: 'Completed' | 'Failed' | 'Aborted';
  readonly message: string;
  /** How what was in force is ended: all at once, or the newest first and one after the other. */
  readonly order: 'at once' | 'reverse';
}

/** The whole. Steps that are not there are Pending. */
export interface WorkflowState {
  readonly phase: WorkflowPhase;
  readonly nodes: ReadonlyMap<NodeId, NodeState>;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly outcome?: WorkflowOutcome;
  /** The strongest wish for the end that was heeded. */
  readonly wish?: 'none' | 'abort' | 'delete';
}

export const initialWorkflow: WorkflowState = { phase: 'Pending', nodes: new Map() };

const pending: NodeState = { phase: 'Pending', attempt: 0 };

/** Where a step stands. */
export const stateOf = ({ nodes }: Pick<WorkflowState, 'nodes'>, id: NodeId): NodeState => nodes.get(id) ?? pending;

/** Whether nothing more will happen to it. */
export function isNodeOver({ phase }: Pick<NodeState, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Skipped' || phase === 'Aborted';
}

/** Whether nothing more will happen to the workflow. */
export function isWorkflowOver({ phase }: Pick<WorkflowState, 'phase'>): boolean {
  return phase === 'Completed' || phase === 'Failed' || phase === 'Aborted';
}
