/** Changes a node, over no other version than the one that the change was made from. */
import { isConflict, isNotFound, nodes, type KubeClient, type Node } from '@chaosplane/kube';
import { FIELD_MANAGER } from '../field-manager.ts';
import type { NodeChange } from './hold.ts';

/** Which node: another of its name is another one. */
export interface NodeRef {
  readonly name: string;
  readonly uid: string;
}

/** Its kubelet and the controllers of Kubernetes change the node too; so many losses in a row are more than bad luck. */
const ATTEMPTS = 8;

/**
 * The node after the change; undefined when it is gone. `edit` is asked again with each version that is read, and undefined
 * means that nothing is to be written. The list of taints is one value to the API server, so a patch without a version would wipe those
 * that others have added since (https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy: atomic).
 * @throws KubeError when the API server refuses, ABORTED when every attempt met another writer; what `edit` throws.
 */
export async function changeNode(
  client: KubeClient,
  { name, uid }: NodeRef,
  edit: (node: Node) => NodeChange | undefined,
  signal: AbortSignal,
): Promise<Node | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const node = await client.get(nodes, { name }, { signal });
    if (node === undefined || node.metadata.uid !== uid) return undefined;
    const change = edit(node);
    if (change === undefined) return node;
    const { annotations, ...rest } = change;
    const body = { ...rest, metadata: { uid, resourceVersion: node.metadata.resourceVersion, annotations } };
    try {
      return await client.patch(nodes, { name }, { kind: 'merge', body }, { fieldManager: FIELD_MANAGER, signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
    }
  }
}
