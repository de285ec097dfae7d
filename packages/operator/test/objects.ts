/** Nodes and pods as the API server has them, for tests without one. */
import type { Node, Pod, Taint } from '@chaosplane/kube';
import type { NodeChange } from '../src/nodes/hold.ts';

/** A node; what is empty is absent, as in the API. */
export function nodeOf(
  { unschedulable = false, taints = [] }: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] },
  name = 'n1',
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-of-${name}`, resourceVersion: '1', annotations: {} },
    spec: { ...(unschedulable ? { unschedulable } : {}), ...(taints.length > 0 ? { taints } : {}) },
  };
}

/** The node after a merge patch (RFC 7386): null takes a field away. */
export function changed(node: Node, { annotations, spec = {} }: NodeChange): Node {
  const merged = (before: object = {}, patch: object): object =>
    Object.fromEntries(Object.entries({ ...before, ...patch }).filter(([, value]) => value !== null));
  return {
    ...node,
    metadata: {
      ...node.metadata,
      annotations: merged(node.metadata.annotations, annotations) as Record<string, string>,
    },
    spec: merged(node.spec, spec),
  };
}

/** A ready pod of the node n1 that a ReplicaSet makes again, unless `more` says otherwise. */
export function podOf(name: string, more: { metadata?: object; spec?: object; status?: object } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name,
      uid: `uid-of-${name}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ownerReferences: [owned('ReplicaSet')],
      ...more.metadata,
    },
    spec: { nodeName: 'n1', ...more.spec },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], ...more.status },
  };
}

/** A reference to the controller of a pod. */
export const owned = (kind: string) => ({ apiVersion: 'apps/v1', kind, name: 'x', uid: 'x', controller: true });
