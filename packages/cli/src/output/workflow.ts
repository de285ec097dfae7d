/** Tells how a workflow goes: each step with its state, its time and what it waits for, the parts of a step below it. */
import { findAction } from '@chaosplane/actions';
import type { Verdict, WorkflowStep } from '@chaosplane/api';
import { formatDuration, type Clock } from '@chaosplane/common/pure';
import {
  stateOf,
  type Graph,
  type GraphNode,
  type NodePhase,
  type NodeState,
  type WorkflowState,
} from '@chaosplane/lifecycle';
import { createLogUpdate } from 'log-update';

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

function stepLine({ step }: GraphNode, state: NodeState, now: number): string {
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

/** How a step stands, as people say it: `failed after 3s at the 2nd try: …`. */
export function stateText({ phase, attempt, startedAt, endedAt, message, result }: NodeState, now: number): string {
  if (phase === 'Pending') return '';
  const verdict = result?.verdict === undefined ? '' : `, ${result.verdict}`;
  const tries = attempt > 1 ? `, try ${attempt}` : '';
  const took =
    startedAt === undefined || phase === 'Skipped'
      ? ''
      : ` ${formatDuration(Math.max(0, (endedAt ?? now) - startedAt))}`;
  return `${phase.toLowerCase()}${took}${tries}${verdict}${message === undefined ? '' : `: ${message}`}`;
}

/** Where a workflow is told. */
export interface WorkflowProgress {
  state(state: WorkflowState): void;
  say(line: string): void;
  result(state: WorkflowState, verdict: Verdict | undefined): void;
}

/** What its progress is made of. */
export interface WorkflowProgressOptions {
  readonly name: string;
  readonly graph: Graph;
  readonly clock: Clock;
  readonly out: NodeJS.WriteStream;
  readonly format: 'text' | 'json';
}

/** A block that is drawn again and again on a terminal, a line for each change elsewhere, JSON lines for programs. */
export function createWorkflowProgress({ name, graph, clock, out, format }: WorkflowProgressOptions): WorkflowProgress {
  const at = (): string => new Date(clock.now()).toISOString();
  const live = format === 'text' && out.isTTY ? createLogUpdate(out, { showCursor: true }) : undefined;
  const drawing = (state: WorkflowState): string =>
    [`${name}  ${state.phase}`, ...workflowLines(graph, state, clock.now())].join('\n');
  const told = new Map<string, string>();
  const write = (type: string, content: object, line: string): void =>
    void out.write(
      format === 'json' ? `${JSON.stringify({ type, at: at(), workflow: name, ...content })}\n` : `${line}\n`,
    );
  const once = (what: string, text: string, tell: () => void): void => {
    if (told.get(what) === text) return;
    told.set(what, text);
    tell();
  };
  return {
    state(state) {
      if (live !== undefined) {
        live(drawing(state));
        return;
      }
      for (const [id, step] of state.nodes) {
        const text = `${step.phase} ${step.attempt} ${step.message ?? ''}`;
        once(id, text, () => write('step', { step: id, ...step }, `${at()} ${id}: ${stateText(step, clock.now())}`));
      }
      once('', state.phase, () => write('phase', { phase: state.phase }, `${at()} ${name}: ${state.phase}`));
    },
    say(line) {
      live?.clear();
      write('message', { message: line }, line);
    },
    result(state, verdict) {
      live?.clear();
      live?.done();
      const { phase, outcome } = state;
      const ended = `${phase}${verdict === undefined ? '' : `, ${verdict}`}: ${outcome?.message ?? ''}`;
      const steps = Object.fromEntries(state.nodes);
      write('result', { phase, verdict, message: outcome?.message, steps }, `${ended}\n${drawing(state)}`);
    },
  };
}
