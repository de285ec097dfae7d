/** What tests of drains and taints share: pods that go at once, and what a node has. */
import { CAPABILITIES_ANNOTATION } from '@chaosplane/api';
import { nodes, pods, type Node, type Pod } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import type { Stage } from './stage.ts';
import { running, type StageNode } from './stage-node.ts';

/**
 * A ready pod without a controller, which is gone in the moment of its eviction: no kubelet has to end it. Unless it is told otherwise,
 * it tolerates everything, because no kubelet says that its node is well.
 */
export async function addWork(
  { client, namespace }: Stage,
  node: StageNode,
  name: string,
  {
    labels = { app: name },
    ...more
  }: { readonly labels?: Record<string, string>; readonly tolerations?: object[] } = {},
): Promise<Pod> {
  const object = await client.create(pods, {
    metadata: { namespace, name, labels },
    spec: {
      nodeName: node.name,
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'app', image: 'none' }],
      ...more,
    } as NonNullable<Pod['spec']>,
  });
  return running(client, object, '10.7.0.1');
}

/** What people see of a node that a drain or a taint may change. */
export interface NodeView {
  readonly cordoned: boolean;
  /** Without those of Kubernetes, which come when no kubelet reports: `k=v:NoSchedule`. */
  readonly taints: readonly string[];
  /** The annotations of ChaosPlane. */
  readonly holds: Readonly<Record<string, string>>;
}

export const clean: NodeView = { cordoned: false, taints: [], holds: {} };

export const readNode = ({ client }: Stage, { name }: StageNode): Promise<Node | undefined> =>
  client.get(nodes, { name });

export async function viewOf(stage: Stage, node: StageNode): Promise<NodeView> {
  const { metadata, spec } = (await readNode(stage, node)) ?? {};
  // What the node can do is no hold.
  const own = Object.entries(metadata?.annotations ?? {}).filter(
    ([key]) => key.startsWith('chaosplane.io/') && key !== CAPABILITIES_ANNOTATION,
  );
  const taints = (spec?.taints ?? []).filter(({ key }) => !key.startsWith('node.kubernetes.io/'));
  return {
    cordoned: spec?.unschedulable === true,
    taints: taints.map(({ key, value = '', effect }) => `${key}=${value}:${effect}`),
    holds: Object.fromEntries(own),
  };
}

/** Resolves as soon as the node is like that. */
export async function becomes(stage: Stage, node: StageNode, wanted: NodeView, withinMs?: number): Promise<void> {
  const text = JSON.stringify(wanted);
  await eventually(`${node.name} is ${text}`, async () => JSON.stringify(await viewOf(stage, node)), {
    is: (seen) => seen === text,
    withinMs,
  });
}

/** As a person does it. */
export async function cordonByHand({ client }: Stage, { name }: StageNode, unschedulable: boolean): Promise<void> {
  await client.patch(nodes, { name }, { kind: 'merge', body: { spec: { unschedulable: unschedulable || null } } });
}

/** The pods of the namespace with that label, by their names. */
export async function work({ client, namespace }: Stage, labelSelector: string): Promise<string[]> {
  const { items } = await client.list(pods, { namespace, labelSelector });
  return items.map(({ metadata }) => metadata.name).toSorted();
}
