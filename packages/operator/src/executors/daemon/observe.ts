/** Asks every node for the executions of the experiment. */
import type { TargetStatus } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import type { Executor, ObservedExecution } from '@chaosplane/lifecycle';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import type { Answer } from '../../daemons/calls.ts';
import type { Reach, ReachParts } from './reach.ts';
import { executionsOn, nodeOf, type ClusterView, type NodeAnswer } from './node-executions.ts';

/** What executions are looked for with. */
export interface ObserveParts extends Omit<ClusterView, 'now'>, Pick<ReachParts, 'calls'> {
  readonly experimentId: string;
  /** Nodes that are asked for executions although no target is known to be there. */
  readonly alsoAsk: readonly string[];
  readonly clock: Clock;
}

/** `seenOn`: where an execution was seen that no target's status knows. */
export function observer(
  parts: ObserveParts,
  { limit, call }: Reach,
  seenOn: Map<string, string>,
): Pick<Executor, 'observe'> {
  const { experimentId, calls, clock, alsoAsk } = parts;
  const list =
    (asked: readonly TargetStatus[]) =>
    async (client: ChaosDaemonClient): Promise<NodeAnswer> => {
      const { executions } = await client.listExecutions({ experimentId, includeEnded: true }, { signal: limit() });
      return { asked, executions };
    };

  function ofNode(
    node: string,
    targets: readonly TargetStatus[],
    answer: Answer<NodeAnswer> | undefined,
  ): [string, ObservedExecution][] {
    if (answer !== undefined && 'value' in answer)
      for (const { executionId } of answer.value.executions) seenOn.set(executionId, node);
    const { nodeExists, whyGone } = parts;
    return executionsOn(node, targets, answer, { nodeExists, whyGone, now: clock.now() });
  }

  return {
    async observe(targets, enough) {
      const homes = new Map(targets.map((target) => [target.executionId, nodeOf(target)]));
      const known = Map.groupBy(targets, nodeOf);
      const nodes = new Map([...alsoAsk.map((node): [string, TargetStatus[]] => [node, []]), ...known]);
      // What came after an earlier visit is better than nothing.
      const late = calls.take<NodeAnswer>('list ');
      const asked = [...nodes].map(([node, here]) => call('list', node, list(here)));
      await calls.wait(asked, enough);
      const told = new Map([...late, ...calls.take<NodeAnswer>('list ')]);
      const found = [...nodes].flatMap(([node, here]) =>
        // A daemon knows nothing of other nodes: what it says of them is ignored.
        ofNode(node, here, told.get(node)).filter(([id]) => (homes.get(id) ?? node) === node),
      );
      return new Map(found);
    },
  };
}
