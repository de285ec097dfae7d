/** Cancels executions on their nodes. */
import { reasonOf } from '@chaosplane/client';
import type { Logger } from '@chaosplane/common';
import type { Executor } from '@chaosplane/lifecycle';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import pMap from 'p-map';
import type { Reach, ReachParts } from './reach.ts';
import { nodeOf } from './node-executions.ts';

/** What executions are cancelled with. */
export interface CancelParts extends Pick<ReachParts, 'calls'> {
  readonly experimentId: string;
  readonly logger: Logger;
}

/** Executions of one node that are cancelled at the same time. */
const PARALLEL_CANCELS = 16;

/** How long a visit waits for nodes that an earlier one asked already. Milliseconds. */
const AGAIN_MS = 100;

/** `seenOn`: where an execution was seen that no target's status knows. */
export function canceller(
  { calls, experimentId: experiment, logger }: CancelParts,
  { limit, call }: Reach,
  seenOn: ReadonlyMap<string, string>,
): Pick<Executor, 'cancel'> {
  async function cancelOn(node: string, client: ChaosDaemonClient, ids: readonly string[]): Promise<boolean> {
    const answers = await pMap(
      ids,
      async (executionId) => {
        try {
          await client.cancelChaos({ executionId }, { signal: limit() });
          return true;
        } catch (error) {
          logger.info({ experiment, node, executionId, reason: reasonOf(error) }, 'cancel not done yet');
          return false;
        }
      },
      { concurrency: PARALLEL_CANCELS },
    );
    return answers.every(Boolean);
  }

  return {
    async cancel(executionIds, targets) {
      const homes = new Map(targets.map((target) => [target.executionId, nodeOf(target)]));
      const ofNode = Map.groupBy(executionIds, (id) => homes.get(id) ?? seenOn.get(id));
      const nowhere = ofNode.delete(undefined);
      const before = new Set(calls.underWay('cancel '));
      const asked = [...ofNode].map(([node = '', ids]) => ({
        ended: call('cancel', node, (client) => cancelOn(node, client, ids)),
        own: !before.has(`cancel ${node}`),
      }));
      await calls.wait(
        asked.map(({ ended }) => ended),
        'some',
        // Nodes that were asked before had their time.
        asked.some(({ own }) => own) ? undefined : AGAIN_MS,
      );
      const done = asked.filter(({ ended: { answer } }) => answer !== undefined && 'value' in answer && answer.value);
      if (done.length === asked.length && !nowhere) return 'all';
      return done.length > 0 ? 'some' : 'none';
    },
  };
}
