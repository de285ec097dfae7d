/** A workflow in words: each step with what it does, what it waits for and how it stands. Pure. */
import { findAction } from '@chaosplane/actions';
import { stateOf, type NodePhase, type NodeState, type WorkflowState, type WorkflowStep } from '@chaosplane/api';
import { formatDuration } from '@chaosplane/common/pure';
import type { Graph, GraphNode } from './graph.ts';

const MARKS: Readonly<Record<NodePhase, string>> = {
  Pending: '○',
  Running: '●',
  Waiting: '◌',
  Succeeded: '✓',
  Failed: '✗',
  Skipped: '−',
  Aborted: '■',
};

/** The lines of a workflow's steps. */
export function workflowLines(graph: Graph, state: Pick<WorkflowState, 'nodes'>, now: number): string[] {
  const lines = (ids: readonly string[], depth: number): string[] =>
    ids.flatMap((id) => {
      const node = graph.nodes.get(id);
      if (node === undefined) return [];
      const line = `${'  '.repeat(depth)}${stepLine(node, stateOf(state, id), now)}`;
      return [line.trimEnd(), ...lines(node.parts, depth + 1)];
    });
  const exits = lines(graph.exits, 2);
  return [...lines(graph.roots, 1), ...(exits.length === 0 ? [] : ['  when everything else is over:', ...exits])];
}

/** One step in a line: what it does, after what, and how it stands. */
export function stepLine({ step }: GraphNode, state: NodeState, now?: number): string {
  const after = step.dependencies.length === 0 ? '' : `, after ${step.dependencies.join(', ')}`;
  const when = step.when === undefined ? '' : `, when ${step.when.text}`;
  const told = stateText(state, now);
  return `${MARKS[state.phase]} ${step.name}: ${whatOf(step)}${after}${when}${told === '' ? '' : ` — ${told}`}`;
}

/** What a step does, in a few words. */
export function whatOf(step: WorkflowStep): string {
  switch (step.kind) {
    case 'experiment': {
      const { action, duration } = step.experiment;
      return `${findAction(action.type).name} for ${formatDuration(duration)}`;
    }
    case 'delay':
      return `waits ${formatDuration(step.ms)}`;
    case 'condition':
      return `goes on if ${step.question.text}`;
    case 'suspend':
      return step.timeoutMs === undefined
        ? 'waits to be resumed'
        : `waits to be resumed, ${formatDuration(step.timeoutMs)} at most`;
    case 'probe':
      return `probe of ${step.probe.type}`;
    case 'parallel':
    case 'workflow':
      return step.steps.length === 1 ? '1 step' : `${step.steps.length} steps`;
  }
}

/**
 * How a step stands, as people say it: `failed 3s, try 2: …`.
 * @param now For how long it has been under way by then; absent, when it began.
 */
export function stateText({ phase, attempt, startedAt, endedAt, message, result }: NodeState, now?: number): string {
  if (phase === 'Pending') return '';
  const verdict = result?.verdict === undefined ? '' : `, ${result.verdict}`;
  const tries = attempt > 1 ? `, try ${attempt}` : '';
  const until = endedAt ?? now;
  const took =
    startedAt === undefined || phase === 'Skipped'
      ? ''
      : until === undefined
        ? ` since ${new Date(startedAt).toISOString()}`
        : ` ${formatDuration(Math.max(0, until - startedAt))}`;
  return `${phase.toLowerCase()}${took}${tries}${verdict}${message === undefined ? '' : `: ${message}`}`;
}
