/** Compares the cordons and taints of a node with the experiments that exist, and takes away what belongs to none. */
import type { ExperimentObject } from '@chaosplane/api';
import type { Logger } from '@chaosplane/common';
import type { Informer, KubeClient, Node, Reconciler } from '@chaosplane/kube';
import { experimentAnswers } from '../daemons/answering.ts';
import { ownerOfId } from '../daemons/orphans.ts';
import type { OperatorMetrics } from '../metrics.ts';
import { changeNode, type NodeRef } from './change.ts';
import type { NodeHold } from './hold.ts';
import { holds } from './holds.ts';

/** What it works with. */
export interface KeepNodesCleanParts {
  readonly client: KubeClient;
  readonly nodes: Informer<Node>;
  readonly experiments: Informer<ExperimentObject>;
  /** Only experiments of this namespace are this operator's; absent: those of all. */
  readonly watchNamespace?: string | undefined;
  readonly metrics: Pick<OperatorMetrics, 'residue'>;
  readonly logger: Logger;
}

/** Whether any experiment has a hold on the node. */
export const isHeld = (node: Node): boolean => holds.some((hold) => hold.holders(node).length > 0);

/** How often a node with holds is looked at when nothing happens. Milliseconds. */
const EVERY_MS = 60_000;

/** The reconciler; keys are names of nodes. */
export function nodeReconciler(parts: KeepNodesCleanParts): Reconciler {
  const { client, nodes, watchNamespace, metrics, logger } = parts;
  return async (name, signal) => {
    const node = nodes.get({ name });
    if (node === undefined || !isHeld(node)) return undefined;
    for (const hold of holds)
      for (const experiment of hold.holders(node)) {
        const owner = ownerOfId(experiment);
        if (owner === undefined || (watchNamespace ?? owner.ref.namespace) !== owner.ref.namespace) continue;
        if (await experimentAnswers(owner, parts, signal)) continue;
        const ref = { name, uid: node.metadata.uid ?? '' };
        // The copy may be behind: the experiment itself has just taken it away.
        if (!(await takeAway(hold, experiment, ref, client, signal))) continue;
        metrics.residue();
        logger.warn({ node: name, experiment }, `its ${hold.word} was taken away: its experiment is gone`);
      }
    return { requeueAfterMs: EVERY_MS };
  };
}

/** Whether it was still there. */
async function takeAway(
  hold: NodeHold,
  experiment: string,
  ref: NodeRef,
  client: KubeClient,
  signal: AbortSignal,
): Promise<boolean> {
  const held: Node[] = [];
  await changeNode(
    client,
    ref,
    (node) => {
      if (hold.holders(node).includes(experiment)) held.push(node);
      return hold.without(node, experiment);
    },
    signal,
  );
  return held.length > 0;
}
