/** The executor of an experiment that cannot be understood: what it may have left is in daemons, or on nodes. */
import type { Executor } from '@chaosplane/lifecycle';
import type { NodeExecutions } from '../nodes/executions.ts';
import { isHoldExecution } from '../nodes/hold.ts';

/** That of the daemons, which finds and cancels holds on nodes as well. */
export function withHolds(daemons: Executor, holds: NodeExecutions): Executor {
  return {
    ...daemons,
    async observe(targets, enough) {
      // A daemon says of what it does not know that it is over.
      const theirs = targets.filter(({ executionId = '' }) => !isHoldExecution(executionId));
      const [told, found] = await Promise.all([daemons.observe(theirs, enough), holds.find(targets)]);
      return new Map([...told, ...found.map(({ executionId, told: one }) => [executionId, one] as const)]);
    },
    async cancel(executionIds, targets) {
      const onNodes = executionIds.filter(isHoldExecution);
      const others = executionIds.filter((id) => !isHoldExecution(id));
      const ended = [
        ...(onNodes.length > 0 ? [await holds.cancel(onNodes, targets)] : []),
        ...(others.length > 0 ? [await daemons.cancel(others, targets)] : []),
      ];
      if (ended.every((one) => one === 'all')) return 'all';
      return ended.every((one) => one === 'none') ? 'none' : 'some';
    },
  };
}
