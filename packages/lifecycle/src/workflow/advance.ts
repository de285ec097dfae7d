/** What becomes of a step of a workflow that is under way. */
import { stateOf, type NodeId, type NodeState } from '@chaosplane/api';
import type { GraphNode } from './graph.ts';
import { effect, fail, fresh, nodeOf, note, settle, wake, type Turning } from './settle.ts';
import { attemptOf } from './turn.ts';

/** Looks at a step that is under way, or waits to be tried again. */
export function advance(turning: Turning, id: NodeId): void {
  const node = nodeOf(turning, id);
  const now = stateOf(turning.state, id);
  if (now.phase === 'Waiting') {
    wait(turning, node, now);
    return;
  }
  if (node.step.kind === 'experiment') {
    experiment(turning, node, now);
    return;
  }
  if (isEnding(turning, node)) settle(turning, id, { phase: 'Aborted', message: 'the workflow ended' });
  else if (node.step.kind === 'probe') probe(turning, node, now);
  else if (node.step.kind === 'delay') {
    const until = (now.startedAt ?? 0) + node.step.ms;
    if (turning.now >= until) settle(turning, id, { phase: 'Succeeded' });
    else wake(turning, until);
  } else if (node.step.kind === 'suspend') suspend(turning, node, now);
}

/** Whether what is under way is to end. */
function isEnding({ state }: Turning, { isExit, id }: GraphNode): boolean {
  return isExit ? stateOf(state, id).isEnded === true : state.phase === 'Ending';
}

function wait(turning: Turning, node: GraphNode, { attempt, retryAt = 0, message }: NodeState): void {
  const { id } = node;
  if (isEnding(turning, node)) {
    settle(turning, id, { phase: 'Failed', ...(message === undefined ? {} : { message }) });
    return;
  }
  if (turning.now < retryAt) wake(turning, retryAt);
  else note(turning, id, { phase: 'Running', attempt: attempt + 1, startedAt: turning.now }, fresh);
}

function suspend(turning: Turning, { id, step }: GraphNode, { startedAt = 0 }: NodeState): void {
  if (turning.seen.resumed.has(id)) {
    settle(turning, id, { phase: 'Succeeded', message: 'it was resumed' });
    return;
  }
  if (step.kind !== 'suspend' || step.timeoutMs === undefined) return;
  const until = startedAt + step.timeoutMs;
  if (turning.now >= until) fail(turning, id, { message: 'it was not resumed in time' });
  else wake(turning, until);
}

function probe(turning: Turning, { id }: GraphNode, { attempt }: NodeState): void {
  const answer = turning.seen.answers.get(attemptOf(id, attempt));
  if (answer === undefined) effect(turning, { kind: 'ask', id, attempt });
  else if (answer.passed) settle(turning, id, { phase: 'Succeeded', message: answer.message });
  else fail(turning, id, { message: answer.message });
}

/** Its experiment is made, looked for, and ended; what became of it is what becomes of the step. */
function experiment(turning: Turning, node: GraphNode, { attempt, asked }: NodeState): void {
  const { id } = node;
  const seen = turning.seen.experiments.get(attemptOf(id, attempt));
  if (seen === undefined) {
    if (turning.effects.has(`create ${attemptOf(id, attempt)}`)) return;
    if (asked === attempt) effect(turning, { kind: 'look', id, attempt });
    else if (isEnding(turning, node)) settle(turning, id, { phase: 'Aborted', message: 'the workflow ended' });
    else {
      effect(turning, { kind: 'create', id, attempt });
      note(turning, id, { asked: attempt });
    }
    return;
  }
  if (seen.state === 'over') {
    const { message, result } = seen;
    if (isEnding(turning, node) && seen.wasEnded) settle(turning, id, { phase: 'Aborted', message, result });
    else if (seen.failed) fail(turning, id, { message, result });
    else settle(turning, id, { phase: 'Succeeded', message, result });
  } else if (seen.state === 'gone') {
    if (isEnding(turning, node)) settle(turning, id, { phase: 'Aborted', message: 'its experiment is gone' });
    else fail(turning, id, { message: 'its experiment was deleted' });
  } else if (isEnding(turning, node) && mayEnd(turning, node)) effect(turning, { kind: 'end', id, attempt });
}

/** In reverse order, an experiment is ended when those that began after it are over. */
function mayEnd(turning: Turning, { id, isExit }: GraphNode): boolean {
  const { state, frontier } = turning;
  if (isExit || state.outcome?.order !== 'reverse') return true;
  const began = (one: NodeId): number => stateOf(state, one).startedAt ?? 0;
  return [...frontier.active].every((other) => {
    if (other === id || nodeOf(turning, other).step.kind !== 'experiment') return true;
    return began(other) < began(id) || (began(other) === began(id) && other < id);
  });
}
