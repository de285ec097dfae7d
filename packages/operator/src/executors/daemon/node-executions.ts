/** What daemons tell of an experiment's executions, and what is certain of these where they do not answer. Pure. */
import { TARGET_GONE, type ObservedExecution } from '@chaosplane/lifecycle';
import type { TargetStatus } from '@chaosplane/api';
import type { Execution } from '@chaosplane/proto';
import type { Answer } from '../../daemons/calls.ts';
import { observed, reasonOf } from '@chaosplane/client';
import { EXPIRY_MARGIN_MS } from '../expiry.ts';

/** What a node told of its executions, and of which targets it was asked. */
export interface NodeAnswer {
  readonly asked: readonly TargetStatus[];
  readonly executions: readonly Execution[];
}

/** What the cluster knows. */
export interface ClusterView {
  /** Whether the cluster still has that node. */
  readonly nodeExists: (node: string) => boolean;
  /** Where a target went that its daemon does not find any more. */
  readonly whyGone: (target: TargetStatus) => string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The executions of a node's targets, by their ids. `answer` is undefined as long as it has not come. */
export function executionsOn(
  node: string,
  targets: readonly TargetStatus[],
  answer: Answer<NodeAnswer> | undefined,
  view: ClusterView,
): [string, ObservedExecution][] {
  if (answer === undefined || 'error' in answer) {
    const why = answer === undefined ? 'it was asked and has not answered yet' : reasonOf(answer.error);
    return targets.flatMap((target) => withoutDaemon(node, target, why, view));
  }
  const { asked, executions } = answer.value;
  const known = new Set(executions.map(({ executionId }) => executionId));
  // A daemon that lost its journal undid at its start everything that it was asked for before.
  const lost = asked.flatMap(({ executionId }): [string, ObservedExecution][] =>
    executionId === undefined || known.has(executionId)
      ? []
      : [[executionId, { live: false, endReason: 'not known to its node any more' }]],
  );
  const homes = new Map(targets.map((target) => [target.executionId, target]));
  return [
    ...lost,
    ...executions.map((one): [string, ObservedExecution] => [
      one.executionId,
      explained(one, homes.get(one.executionId), view),
    ]),
  ];
}

/** A daemon sees that a pod is gone; the cluster knows why. */
function explained(one: Execution, target: TargetStatus | undefined, { whyGone }: ClusterView): ObservedExecution {
  const told = observed(one);
  if (target === undefined || told.endReason !== TARGET_GONE) return told;
  return { ...told, endReason: `${TARGET_GONE}: ${whyGone(target)}` };
}

/** What is certain of an execution although its daemon does not answer. */
function withoutDaemon(
  node: string,
  target: TargetStatus,
  error: string,
  { nodeExists, now }: ClusterView,
): [string, ObservedExecution][] {
  const { executionId, expiresAt = Infinity } = target;
  if (executionId === undefined) return [];
  if (!nodeExists(node)) return [[executionId, { live: false, endReason: `${TARGET_GONE}: its node was removed` }]];
  if (now > expiresAt + EXPIRY_MARGIN_MS) return [[executionId, { live: false, endReason: 'expired' }]];
  return [[executionId, { live: true, error: `the daemon of ${node} does not answer: ${error}` }]];
}

/** A pod that was chosen runs somewhere; without a node there is no daemon to ask, and the call fails by name. */
export const nodeOf = ({ node }: TargetStatus): string => node ?? 'unknown';
