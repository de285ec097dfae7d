/** How steps and the whole of a workflow end. */
import {
  stateOf,
  type NodeId,
  type NodeState,
  type StepResult,
  type WorkflowOutcome,
  type WorkflowState,
} from '@chaosplane/api';
import type { Frontier } from './frontier.ts';
import type { Graph, GraphNode } from './graph.ts';
import { attemptOf, type Effect, type Seen } from './turn.ts';

/** Bounds of the whole. */
export interface Limits {
  /** How many experiments may be under way at the same time. */
  readonly maxParallelism: number;
  /** After how long the workflow is ended, in milliseconds. */
  readonly deadlineMs?: number;
}

/** The state of a workflow while it changes. */
export interface Working {
  phase: WorkflowState['phase'];
  readonly nodes: Map<NodeId, NodeState>;
  startedAt?: number;
  endedAt?: number;
  outcome?: WorkflowOutcome;
  wish?: Seen['wish'];
}

/** A turn while it is taken. */
export interface Turning {
  readonly graph: Graph;
  readonly state: Working;
  readonly frontier: Frontier;
  readonly limits: Limits;
  readonly seen: Seen;
  readonly now: number;
  /** By what they are, so that none is asked for twice. */
  readonly effects: Map<string, Effect>;
  readonly changed: Map<NodeId, NodeState>;
  /** How many changes were noted. */
  notes: number;
  wholeChanged?: boolean;
  /** Whether the whole has come to another phase, in which more can happen in this turn. */
  moved?: boolean;
  /** Whether no step begins in this turn: what is to end is written first. */
  isHeldBack?: boolean;
  until?: number;
}

export const nodeOf = ({ graph }: Pick<Turning, 'graph'>, id: NodeId): GraphNode => {
  const node = graph.nodes.get(id);
  if (node === undefined) throw new Error(`the workflow has no step ${id}`);
  return node;
};

/** A step of which nothing is known. */
export const fresh: NodeState = { phase: 'Pending', attempt: 0 };

/** Notes a change of a step; of a new attempt, nothing is kept of the one before. */
export function note(
  turning: Turning,
  id: NodeId,
  change: Partial<NodeState>,
  before: NodeState = stateOf(turning.state, id),
): void {
  const { state, changed } = turning;
  const next = { ...before, ...change };
  turning.notes += 1;
  state.nodes.set(id, next);
  // What follows from another change is written after it.
  changed.delete(id);
  changed.set(id, next);
}

/** Asks to be looked at again by then. */
export function wake(turning: Turning, at: number): void {
  turning.until = Math.min(turning.until ?? Infinity, at);
}

/** Asks for something to be done. */
export function effect({ effects }: Turning, asked: Effect): void {
  effects.set(`${asked.kind} ${attemptOf(asked.id, asked.attempt)}`, asked);
}

/** How a step is over. */
interface Over {
  readonly phase: 'Succeeded' | 'Failed' | 'Skipped' | 'Aborted';
  readonly message?: string;
  readonly result?: StepResult;
  readonly isCut?: true;
}

/** A step is over; with the last part of a step, so is that. */
export function settle(turning: Turning, id: NodeId, over: Over): void {
  note(turning, id, { ...over, endedAt: turning.now });
  for (const whole of turning.frontier.over(id)) settleWhole(turning, whole);
}

/** A step whose parts are all over is over; those of them that failed and let the others go on are told. */
export function settleWhole(turning: Turning, id: NodeId): void {
  const { parts } = nodeOf(turning, id);
  const those = (phase: NodeState['phase']): NodeId[] =>
    parts.filter((part) => stateOf(turning.state, part).phase === phase);
  const [failed, aborted] = [those('Failed'), those('Aborted')];
  if (failed.length > 0) settle(turning, id, { phase: 'Failed', message: `failed: ${failed.join(', ')}` });
  else settle(turning, id, { phase: aborted.length > 0 ? 'Aborted' : 'Succeeded' });
}

/** How a step has failed. */
interface Failure {
  readonly message: string;
  readonly result?: StepResult | undefined;
  /** Whether it would fail again in the same way. */
  readonly isFinal?: boolean;
}

/** A step has failed: it is tried again, or is over, and what its strategy says happens to the others. */
export function fail(turning: Turning, id: NodeId, { message, result, isFinal = false }: Failure): void {
  const { onError, isExit } = nodeOf(turning, id);
  const { state, now } = turning;
  const { attempt, isEnded } = stateOf(state, id);
  const goesOn = isExit ? isEnded !== true : state.phase === 'Running';
  if (onError.strategy === 'retry' && attempt <= onError.limit && goesOn && !isFinal) {
    const pause = Math.min(onError.mostMs, onError.backOffMs * onError.factor ** (attempt - 1));
    note(turning, id, { phase: 'Waiting', message, retryAt: now + pause, ...(result === undefined ? {} : { result }) });
    return;
  }
  settle(turning, id, { phase: 'Failed', message, ...(result === undefined ? {} : { result }) });
  const outcome = outcomeOf(nodeOf(turning, id), stateOf(state, id));
  if (outcome !== undefined) end(turning, outcome);
}

/** How the workflow ends because of a step; undefined: it does not. */
export function outcomeOf({ id, onError, isExit, parts }: GraphNode, state: NodeState): WorkflowOutcome | undefined {
  if (state.phase !== 'Failed' || onError.strategy === 'continue' || isExit || parts.length > 0) return undefined;
  const order = onError.strategy === 'rollback' ? 'reverse' : 'at once';
  return { phase: 'Failed', message: `${id}: ${state.message ?? 'it failed'}`, order };
}

/** The workflow is to end; the first reason stands. At the exit, what is under way there ends, and the rest of it is done. */
export function end(turning: Turning, outcome: WorkflowOutcome): void {
  const { state } = turning;
  if (state.phase === 'Exiting') {
    for (const id of turning.frontier.active) note(turning, id, { isEnded: true });
    // One that dies before it has written the wish ends what is under way once more: nothing else may be by then.
    turning.isHeldBack = true;
    wake(turning, turning.now);
    return;
  }
  if (state.phase !== 'Running') {
    // A wish for the end does not wait for what is ended one after the other.
    if (state.outcome?.order === 'reverse' && outcome.order === 'at once') {
      state.outcome = { ...state.outcome, order: 'at once' };
      turning.wholeChanged = true;
    }
    return;
  }
  state.phase = 'Ending';
  state.outcome = outcome;
  turning.wholeChanged = true;
  turning.moved = true;
}

/** The whole goes on when nothing is left to be done in its phase. */
export function moveOn(turning: Turning): void {
  const { state, graph, frontier } = turning;
  if (state.phase === 'Running' && frontier.left('roots') === 0)
    state.outcome = { phase: 'Completed', message: 'every step is over', order: 'at once' };
  else if (state.phase === 'Ending' ? frontier.active.size > 0 : state.phase !== 'Exiting') return;
  else if (state.phase === 'Exiting' && frontier.left('exits') > 0) return;
  endWholes(turning);
  turning.wholeChanged = true;
  turning.moved = true;
  if (state.phase !== 'Exiting' && graph.exits.length > 0) {
    state.phase = 'Exiting';
    frontier.close();
    openExits(turning);
    return;
  }
  finish(turning);
}

/** Some of them may have begun: steps are written before the phase. */
function openExits({ state, graph, frontier }: Turning): void {
  frontier.open(graph.exits);
  for (const { id, isExit, parts } of graph.nodes.values())
    if (isExit && stateOf(state, id).phase === 'Running') frontier.open(parts);
}

/** The whole is over. What failed at the exit is told where nothing else is. */
function finish({ state, graph, now }: Turning): void {
  const isFailed = ({ id, isExit, parts }: GraphNode): boolean =>
    isExit && parts.length === 0 && stateOf(state, id).phase === 'Failed';
  const failed = state.outcome?.phase === 'Completed' ? [...graph.nodes.values()].find(isFailed) : undefined;
  if (failed !== undefined) {
    const message = `${failed.id}: ${stateOf(state, failed.id).message ?? 'it failed'}`;
    state.outcome = { phase: 'Failed', message, order: 'at once' };
  }
  state.phase = state.outcome?.phase ?? 'Failed';
  state.endedAt = now;
}

/** Steps that are made of others, and were ended with them. */
function endWholes(turning: Turning): void {
  const { state, graph } = turning;
  const isExit = state.phase === 'Exiting';
  for (const node of graph.nodes.values()) {
    if (node.isExit !== isExit || stateOf(state, node.id).phase !== 'Running') continue;
    note(turning, node.id, { phase: 'Aborted', message: 'the workflow ended', endedAt: turning.now });
  }
}
