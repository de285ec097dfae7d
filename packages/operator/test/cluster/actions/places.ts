/** Where the trials take place, and what experiments put on a node. */
import { nodes } from '@chaosplane/kube';
import { NAMESPACE, type Installation } from '@chaosplane/testcluster/installation';

/** The node of the pods that are hit, each by its name. */
export const TARGET_NODE = 'n1';
/** The node that is drained, tainted and restarted. */
export const HIT_NODE = 'n2';
/** The pod from which others are measured, on TARGET_NODE: a drain of the other node would take it. */
export const CALLER = 'caller';
/** A pod of the kubelet of HIT_NODE, which no drain ends. */
export const STATIC_POD = `static-${HIT_NODE}`;

/** A target that is one pod. */
export const podNamed = (name: string) => ({ names: [name] }) as const;

/** A pod of the trials. */
export const podRef = (name: string) => ({ namespace: NAMESPACE, name }) as const;

/** What a drain or a taint could leave on a node. */
export async function marksOn({ client }: Installation, name: string): Promise<unknown> {
  const { metadata, spec } = (await client.get(nodes, { name })) ?? {};
  const annotations = Object.keys(metadata?.annotations ?? {}).filter((key) => key.startsWith('chaosplane.io/'));
  return {
    annotations: annotations.toSorted(),
    taints: spec?.taints ?? [],
    unschedulable: spec?.unschedulable ?? false,
  };
}
