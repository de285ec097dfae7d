/** Tells how a workflow goes: each step with its state, its time and what it waits for, the parts of a step below it. */
import { stateOf, type Verdict, type WorkflowState } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common/pure';
import { stateText, workflowLines, type Graph } from '@chaosplane/lifecycle';
import { createLogUpdate } from 'log-update';

/** Where a workflow is told. */
export interface WorkflowProgress {
  state(state: WorkflowState): void;
  say(line: string): void;
  /** The last that is told: a state that was read before and comes later is left out. */
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
  let isOver = false;
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
      if (isOver) return;
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
      if (isOver) return;
      live?.clear();
      write('message', { message: line }, line);
    },
    result(state, verdict) {
      isOver = true;
      live?.clear();
      live?.done();
      const { phase, outcome } = state;
      const ended = `${phase}${verdict === undefined ? '' : `, ${verdict}`}: ${outcome?.message ?? ''}`;
      // Also those that never began.
      const steps = Object.fromEntries([...graph.nodes.keys()].map((id) => [id, stateOf(state, id)]));
      write('result', { phase, verdict, message: outcome?.message, steps }, `${ended}\n${drawing(state)}`);
    },
  };
}
