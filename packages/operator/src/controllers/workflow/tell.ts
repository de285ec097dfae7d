/** Tells people what becomes of a workflow: a line for each step, and a log line and an event for each phase of it and for each step that begins or is over. */
import { isNodeOver, stateOf, type NodeId, type NodeState, type WorkflowState } from '@chaosplane/api';
import { keyOf } from '@chaosplane/kube';
import { stateText, stepLine, type Graph } from '@chaosplane/lifecycle';
import type { StoredWorkflow } from './store.ts';
import type { WorkflowParts } from './parts.ts';

type TellParts = Pick<WorkflowParts, 'events' | 'logger'>;

/** What has become of steps. */
export function tellSteps(
  { object }: StoredWorkflow,
  changed: ReadonlyMap<NodeId, NodeState>,
  { events, logger }: TellParts,
): void {
  for (const [id, state] of changed) {
    const { phase, attempt } = state;
    logger.info({ workflow: keyOf(object.metadata), step: id, phase, attempt, reason: state.message }, 'step');
    if (!isNodeOver(state) && phase !== 'Waiting') continue;
    const isBad = phase === 'Failed' || phase === 'Waiting';
    events.record(object, {
      type: isBad ? 'Warning' : 'Normal',
      reason: isBad ? 'StepFailed' : `Step${phase}`,
      action: 'Reconcile',
      message: `${id}: ${stateText(state)}`,
    });
  }
}

/** The phase that it has come to. */
export function tellPhase(
  before: WorkflowState['phase'],
  { phase, outcome }: WorkflowState,
  { object }: StoredWorkflow,
  { events, logger }: TellParts,
): void {
  if (phase === before) return;
  const reason = outcome?.message ?? '';
  logger.info({ workflow: keyOf(object.metadata), phase, reason }, 'phase entered');
  const type = phase === 'Failed' || phase === 'Aborted' ? 'Warning' : 'Normal';
  const message = reason === '' ? 'its first steps begin' : reason;
  events.record(object, { type, reason: phase, action: 'Reconcile', message });
}

/** A line for each step, the parts of a step below it. */
export function linesOf(graph: Graph, state: WorkflowState): readonly string[] {
  return [...graph.nodes.values()].map((node) => {
    const depth = node.id.split('/').length - 1 - (node.isExit ? 1 : 0);
    const line = stepLine(node, stateOf(state, node.id)).trimEnd();
    return `${'  '.repeat(depth)}${node.isExit && depth === 0 ? 'onExit ' : ''}${line}`;
  });
}
