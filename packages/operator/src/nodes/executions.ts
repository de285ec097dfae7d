/** The executions that are holds on nodes: found by what the nodes' annotations say, and undone by taking them away. */
import type { ExperimentStatus, TargetStatus } from '@chaosplane/api';
import { defined, type Clock, type Logger } from '@chaosplane/common';
import type { Informer, KubeClient, Node } from '@chaosplane/kube';
import { TARGET_GONE, type Executor, type ObservedExecution } from '@chaosplane/lifecycle';
import pMap from 'p-map';
import type { Call, Calls } from '../daemons/calls.ts';
import { changeNode, type NodeRef } from './change.ts';
import { executionIdOf, type NodeHold } from './hold.ts';

/** What they are found and undone with. */
export interface NodeExecutionsParts {
  readonly experimentId: string;
  readonly client: KubeClient;
  readonly nodes: Informer<Node>;
  readonly calls: Calls;
  /** What is known of the experiment at this moment. */
  readonly status: () => ExperimentStatus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** One of them. */
export interface NodeExecution extends NodeRef {
  readonly executionId: string;
  readonly hold: NodeHold;
  /** Absent: no target's status knows it. */
  readonly target?: TargetStatus;
}

/** One that was looked at. */
export interface FoundExecution extends NodeExecution {
  readonly told: ObservedExecution;
  /** The node, while it is in force. */
  readonly node?: Node;
}

/** All of an experiment. */
export interface NodeExecutions extends Pick<Executor, 'cancel'> {
  find(targets: readonly TargetStatus[]): Promise<readonly FoundExecution[]>;
}

/** Nodes that are read or changed at the same time. */
const PARALLEL = 16;

/** What else is under way for an execution, and ends when it is cancelled. */
export const workKey = (executionId: string): string => `work ${executionId}`;

const undoKey = (executionId: string): string => `undo ${executionId}`;

/** Those that the status knows, those that the copy of the nodes tells of, and those that may have been begun. */
function possible(
  holds: readonly NodeHold[],
  targets: readonly TargetStatus[],
  { experimentId, nodes, status }: Pick<NodeExecutionsParts, 'experimentId' | 'nodes' | 'status'>,
): NodeExecution[] {
  const lost = status().phase === 'Recovering';
  const all = new Map<string, NodeExecution>();
  const add = (hold: NodeHold, { name, uid }: NodeRef, target?: TargetStatus): void => {
    const executionId = executionIdOf(hold, experimentId, uid);
    all.set(executionId, { executionId, hold, name, uid, ...defined({ target }) });
  };
  for (const hold of holds) {
    for (const node of nodes.list())
      if (hold.holders(node).includes(experimentId)) add(hold, { ...node.metadata, uid: node.metadata.uid ?? '' });
    for (const target of targets) {
      const own = target.state === 'Injected' && target.executionId === executionIdOf(hold, experimentId, target.uid);
      // The answer to an injection that was taken back is not known.
      if (own || (lost && target.executionId === undefined)) add(hold, target, target);
    }
  }
  return [...all.values()];
}

/** Those of these kinds. */
export function nodeExecutions(holds: readonly NodeHold[], parts: NodeExecutionsParts): NodeExecutions {
  const { experimentId, client, nodes, calls, clock, logger, signal } = parts;

  async function look(one: NodeExecution): Promise<FoundExecution | undefined> {
    const { executionId, hold, name, uid, target } = one;
    const undone = calls.last<number>(undoKey(executionId));
    if (undone !== undefined && 'value' in undone) {
      const inForceMs = target?.injectedAt === undefined ? undefined : Math.max(0, undone.value - target.injectedAt);
      return { ...one, told: { live: false, endReason: 'done', ...defined({ inForceMs }) } };
    }
    const cached = nodes.get({ name });
    const known = cached?.metadata.uid === uid && hold.isInForce(cached, experimentId);
    // The copy may be behind what was written; what it has is there, or was a moment ago.
    const node = known ? cached : await settle(one);
    if (node === undefined || !hold.isInForce(node, experimentId)) {
      if (target?.executionId === undefined) return undefined;
      const why =
        node === undefined ? `${TARGET_GONE}: its node was removed` : `its ${hold.word} was taken away by hand`;
      return { ...one, told: { live: false, endReason: why } };
    }
    const error = undone === undefined ? undefined : messageOf(undone.error);
    return { ...one, node, told: { live: true, lasting: true, ...defined({ error }) } };
  }

  /** The node as it is. An annotation whose cordon or taint was taken away goes too: who makes a new one later is to keep it. */
  const settle = ({ hold, ...ref }: NodeExecution): Promise<Node | undefined> => {
    const stale = (node: Node) => (hold.isInForce(node, experimentId) ? undefined : hold.without(node, experimentId));
    return changeNode(client, ref, stale, signal);
  };

  async function undo({ hold, ...ref }: NodeExecution, own: AbortSignal): Promise<number> {
    const both = AbortSignal.any([signal, own]);
    await changeNode(client, ref, (node) => hold.without(node, experimentId), both);
    return clock.now();
  }

  function tellError({ executionId, name: node }: NodeExecution, { answer }: Call<unknown>): void {
    if (answer === undefined || !('error' in answer)) return;
    logger.info(
      { node, experiment: experimentId, executionId, reason: messageOf(answer.error) },
      'cancel not done yet',
    );
  }

  return {
    async find(targets) {
      const found = await pMap(possible(holds, targets, parts), look, { concurrency: PARALLEL });
      return found.filter((one) => one !== undefined);
    },
    async cancel(executionIds, targets) {
      const wanted = new Set(executionIds);
      const meant = possible(holds, targets, parts).filter(({ executionId }) => wanted.has(executionId));
      const begun = meant.map((one) => {
        calls.stop(workKey(one.executionId));
        const call = calls.start(undoKey(one.executionId), {
          isUnresponsive: () => false,
          run: (own) => undo(one, own),
        });
        return { one, call };
      });
      await calls.wait(
        begun.map(({ call }) => call),
        'all',
      );
      const done = begun.filter(({ call }) => call.answer !== undefined && 'value' in call.answer).length;
      for (const { one, call } of begun) tellError(one, call);
      if (done === wanted.size) return 'all';
      return done > 0 ? 'some' : 'none';
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
