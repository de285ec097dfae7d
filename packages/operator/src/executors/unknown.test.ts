/** An experiment that cannot be understood: what its action was is told by what it has left. */
import { expect, test } from '@jest/globals';
import type { TargetStatus } from '@chaosplane/api';
import type { Cancelled, Executor } from '@chaosplane/lifecycle';
import type { NodeExecutions } from '../nodes/executions.ts';
import { withHolds } from './unknown.ts';

const targetOf = (executionId: string): TargetStatus => ({
  ...{ namespace: '', name: 'n1', uid: 'u1', state: 'Injected' },
  executionId,
});
const targets = [targetOf('0a1b'), targetOf('node-drain-00000000-u1'), targetOf('node-taint-00000000-u1')];

/** What each side was asked for, and what it answers. */
function staged(byDaemons: Cancelled = 'all', byNodes: Cancelled = 'all') {
  const asked: Record<string, unknown>[] = [];
  const daemons = {
    observe: async (known: readonly TargetStatus[]) => {
      asked.push({ daemons: known.map(({ executionId }) => executionId) });
      return new Map([['0a1b', { live: true }]]);
    },
    cancel: async (ids: readonly string[]) => {
      asked.push({ daemons: ids });
      return byDaemons;
    },
  };
  const nodes = {
    find: async () => [{ executionId: 'node-drain-00000000-u1', told: { live: true, lasting: true } }],
    cancel: async (ids: readonly string[]) => {
      asked.push({ nodes: ids });
      return byNodes;
    },
  };
  return { asked, executor: withHolds(daemons as unknown as Executor, nodes as unknown as NodeExecutions) };
}

test('daemons are asked for their own executions alone, which they would take for ended, and nodes for theirs', async () => {
  const { asked, executor } = staged();
  expect([...(await executor.observe(targets, 'all'))]).toEqual([
    ['0a1b', { live: true }],
    ['node-drain-00000000-u1', { live: true, lasting: true }],
  ]);
  expect(asked).toEqual([{ daemons: ['0a1b'] }]);
});

test('each side ends what is its own, and both have to be done', async () => {
  const { asked, executor } = staged('all', 'none');
  const ids = targets.flatMap(({ executionId }) => executionId ?? []);
  expect(await executor.cancel(ids, targets)).toBe('some');
  expect(asked).toEqual([{ nodes: ['node-drain-00000000-u1', 'node-taint-00000000-u1'] }, { daemons: ['0a1b'] }]);
  expect(await staged('none', 'none').executor.cancel(ids, targets)).toBe('none');
  expect(await staged('none').executor.cancel(['node-taint-00000000-u1'], targets)).toBe('all');
});
