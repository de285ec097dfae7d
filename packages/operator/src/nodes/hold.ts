/** What experiments keep in the object of a node, a cordon or a taint, and how it is known whose it is. Pure. */
import type { Node, Taint } from '@chaosplane/kube';

/** A change of a node: null takes a field away. It is written over the version of the node that it was made from. */
export interface NodeChange {
  readonly annotations: Readonly<Record<string, string | null>>;
  readonly spec?: { readonly unschedulable?: true | null; readonly taints?: readonly Taint[] | null };
}

/**
 * One kind of hold. An annotation of the node, written in the same request as the cordon or the taint, names the experiments, each by
 * its id: `NAMESPACE/NAME/UID`. So an operator that knows nothing finds what another one has left.
 */
export interface NodeHold {
  /** The action that takes it. */
  readonly action: 'node-drain' | 'node-taint';
  /** In messages: `cordon`. */
  readonly word: string;
  /** The experiments that the annotation names. */
  holders(node: Node): readonly string[];
  /** Whether the annotation names the experiment, and what it stands for is still there. */
  isInForce(node: Node, experiment: string): boolean;
  /** The node without the experiment, and when it was the last one, without the cordon or taint; undefined when it is so already. */
  without(node: Node, experiment: string): NodeChange | undefined;
}

/** The id of an experiment's execution on the node of that uid. */
export function executionIdOf({ action }: NodeHold, experiment: string, nodeUid: string): string {
  const uid = experiment.slice(experiment.lastIndexOf('/') + 1);
  return `${action}-${uid.slice(0, 8)}-${nodeUid}`;
}

/** Whether an execution is a hold on a node, and not one of a daemon. */
export const isHoldExecution = (executionId: string): boolean => /^node-(drain|taint)-/.test(executionId);
