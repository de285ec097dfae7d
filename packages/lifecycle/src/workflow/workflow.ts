/**
 * What happens next to a workflow: from what is seen to effects and changes. Its cost goes by what is under way, not by the number of
 * steps. Another one that is opened on what was written goes on from there. Pure but for what it remembers of its own changes.
 */
import {
  isNodeOver,
  isWorkflowOver,
  stateOf,
  type NodeId,
  type WorkflowOutcome,
  type WorkflowState,
} from '@chaosplane/api';
import { advance } from './advance.ts';
import { begin } from './begin.ts';
import { frontierOf } from './frontier.ts';
import type { Graph } from './graph.ts';
import {
  end,
  fresh,
  moveOn,
  nodeOf,
  note,
  outcomeOf,
  settleWhole,
  type Limits,
  type Turning,
  type Working,
} from './settle.ts';
import { stepOf, type Seen, type Turn } from './turn.ts';

export interface Workflow {
  /** As it is by now. */
  readonly state: WorkflowState;
  turn(seen: Seen, now: number): Turn;
}

/** Opens a workflow where it stands. */
export function openWorkflow(graph: Graph, saved: WorkflowState, limits: Limits): Workflow {
  const state: Working = { ...saved, nodes: new Map(saved.nodes) };
  const frontier = frontierOf(graph, state);
  if (state.phase === 'Running') frontier.open(graph.roots);
  if (state.phase === 'Exiting') frontier.open(graph.exits);
  for (const { id, parts } of graph.nodes.values()) if (stateOf(state, id).phase === 'Running') frontier.open(parts);
  let unwritten: Unwritten | undefined = unwrittenOf(graph, state);
  return {
    get state() {
      return state;
    },
    turn(seen, now) {
      const turning: Turning = {
        graph,
        state,
        frontier,
        limits,
        seen,
        now,
        effects: new Map(),
        changed: new Map(),
        notes: 0,
      };
      take(turning, unwritten);
      unwritten = undefined;
      const { effects, changed, until } = turning;
      return {
        effects: [...effects.values()],
        changed,
        wholeChanged: turning.wholeChanged === true,
        ...(until === undefined ? {} : { until }),
      };
    },
  };
}

/** What follows from what was written, and was not written any more: steps are written one by one, and the whole after them. */
interface Unwritten {
  /** Steps whose parts are all over. */
  readonly wholes: readonly NodeId[];
  /** How the first step that failed has ended the workflow. */
  readonly outcome?: WorkflowOutcome | undefined;
}

function unwrittenOf({ nodes }: Graph, state: Working): Unwritten {
  const all = [...nodes.values()];
  const wholes = all.filter(({ id, parts }) => {
    const isOpen = stateOf(state, id).phase === 'Running' && parts.length > 0;
    return isOpen && parts.every((part) => isNodeOver(stateOf(state, part)));
  });
  const outcomes = all.flatMap((node) => {
    const outcome = outcomeOf(node, stateOf(state, node.id));
    return outcome === undefined ? [] : [{ outcome, at: stateOf(state, node.id).endedAt ?? 0 }];
  });
  const [first] = outcomes.toSorted((one, other) => one.at - other.at);
  return { wholes: wholes.map(({ id }) => id), outcome: first?.outcome };
}

/** Experiments that were made, and not noted any more, belong to steps that have begun. */
function adopt(turning: Turning): void {
  const { seen, state, graph, frontier, now } = turning;
  for (const key of seen.experiments.keys()) {
    const { id, attempt } = stepOf(key);
    const known = stateOf(state, id);
    if (!graph.nodes.has(id) || known.attempt >= attempt) continue;
    adoptWhole(turning, nodeOf(turning, id).parent);
    note(turning, id, { phase: 'Running', attempt, asked: attempt, startedAt: now }, fresh);
    if (known.phase === 'Pending') frontier.begun(id);
  }
}

/** Whose parts have begun has begun. */
function adoptWhole(turning: Turning, id: NodeId | undefined): void {
  if (id === undefined || stateOf(turning.state, id).phase !== 'Pending') return;
  const { parent, parts } = nodeOf(turning, id);
  adoptWhole(turning, parent);
  note(turning, id, { phase: 'Running', attempt: 1, startedAt: turning.now });
  turning.frontier.begun(id);
  turning.frontier.open(parts);
}

function take(turning: Turning, unwritten: Unwritten | undefined): void {
  const { state, now, limits, frontier } = turning;
  if (isWorkflowOver(state)) return;
  if (state.phase === 'Pending') {
    state.phase = 'Running';
    state.startedAt = now;
    turning.wholeChanged = true;
    frontier.open(turning.graph.roots);
  }
  if (unwritten !== undefined) adopt(turning);
  for (const id of unwritten?.wholes ?? []) settleWhole(turning, id);
  if (unwritten?.outcome !== undefined && state.phase === 'Running') end(turning, unwritten.outcome);
  heed(turning);
  const deadline = (state.startedAt ?? now) + (limits.deadlineMs ?? Infinity);
  if (state.phase === 'Running' && now >= deadline)
    end(turning, { phase: 'Failed', message: 'it took longer than its deadline', order: 'at once' });
  for (let goesOn = true; goesOn;) {
    const before = turning.notes;
    turning.moved = false;
    for (const id of [...frontier.active]) advance(turning, id);
    beginAll(turning);
    moveOn(turning);
    goesOn = turning.notes !== before || hasMoved(turning);
  }
  if (state.phase === 'Running' && deadline !== Infinity) turning.until = Math.min(turning.until ?? Infinity, deadline);
}

const hasMoved = ({ moved }: Turning): boolean => moved === true;

/** A wish for the end that is stronger than the one before ends what is under way; what is done at the exit comes after the first. */
function heed(turning: Turning): void {
  const { state, seen } = turning;
  const strength = { none: 0, abort: 1, delete: 2 } as const;
  if (strength[seen.wish] <= strength[state.wish ?? 'none']) return;
  state.wish = seen.wish;
  turning.wholeChanged = true;
  const message = seen.wish === 'abort' ? 'it was aborted' : 'it was deleted';
  end(turning, { phase: 'Aborted', message, order: 'at once' });
}

/** Begins what can begin, as long as there is room for experiments. */
function beginAll(turning: Turning): void {
  const { state, frontier, limits, isHeldBack } = turning;
  if (isHeldBack === true) return;
  while (state.phase === 'Running' || state.phase === 'Exiting') {
    const id = frontier.next(frontier.experiments < limits.maxParallelism);
    if (id === undefined) return;
    begin(turning, id);
  }
}
