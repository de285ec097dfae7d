/** Which experiments a change of the cluster is about: they are judged again at once, and not only at their next visit. */
import type { PolicyObject } from '@chaosplane/api';
import type {
  Change,
  DaemonSet,
  Deployment,
  Informer,
  KubeObject,
  Namespace,
  Pod,
  ReplicaSet,
  StatefulSet,
} from '@chaosplane/kube';
import { workloadName, type WorkloadRef } from '@chaosplane/lifecycle';
import { isReady } from './facts.ts';
import type { Hits } from './hits.ts';
import { hasEnded, replicasOf, type Workloads } from './workload.ts';

/** Is told the experiments that a change is about; `at once`: a policy has changed. */
export type Wake = (keys: Iterable<string>, how: 'at once' | 'soon') => void;

/** What changes are heard of. */
export interface WakingCaches {
  readonly policies: Informer<PolicyObject>;
  readonly namespaces: Informer<Namespace>;
  readonly pods: Informer<Pod>;
  readonly replicaSets: Informer<ReplicaSet>;
  readonly deployments: Informer<Deployment>;
  readonly statefulSets: Informer<StatefulSet>;
  readonly daemonSets: Informer<DaemonSet>;
}

/** Wakes experiments from now on. */
export function wakeBy(
  caches: WakingCaches,
  wake: Wake,
  { hits, workloads }: { readonly hits: Hits; readonly workloads: Pick<Workloads, 'of'> },
): void {
  const { policies, namespaces, pods, replicaSets, deployments, statefulSets, daemonSets } = caches;
  policies.onChange(() =>
    wake(
      [...hits.all()].map(({ key }) => key),
      'at once',
    ),
  );
  namespaces.onChange((change) => wake(hitByNamespace(change, hits), 'soon'));
  pods.onChange((change) => wake(hitByPod(change, { hits, workloads }), 'soon'));
  const soon = <T extends KubeObject>(kind: string, cache: Informer<T>, desired: (object: T) => number | undefined) =>
    cache.onChange((change) => wake(hitByWorkload(kind, change, { hits, desired }), 'soon'));
  soon('ReplicaSet', replicaSets, replicasOf);
  soon('Deployment', deployments, replicasOf);
  soon('StatefulSet', statefulSets, replicasOf);
  soon('DaemonSet', daemonSets, ({ status }) => status?.desiredNumberScheduled);
}

/** The keys of the experiments that a change of a pod is about: those that hit it, its node or another pod of its workload. */
export function hitByPod(
  { type, object, previous }: Change<Pod>,
  { hits, workloads }: { readonly hits: Hits; readonly workloads: Pick<Workloads, 'of'> },
): readonly string[] {
  if (previous !== undefined && type === 'updated' && isSame(object, previous)) return [];
  const { uid = '' } = object.metadata;
  return [
    ...hits.of('pod', uid),
    ...hits.of('node', object.spec?.nodeName ?? ''),
    ...hits.of(
      'workload',
      nameOf(() => workloads.of(object)),
    ),
  ];
}

/** A cache that is not whole yet tells of no workload. */
function nameOf(ref: () => WorkloadRef): string {
  try {
    return workloadName(ref());
  } catch {
    return '';
  }
}

/** Whether nothing has changed that a rule asks for: the kubelet writes the status of a pod more often than that. */
function isSame(pod: Pod, before: Pod): boolean {
  return (
    isReady(pod) === isReady(before) &&
    hasEnded(pod.status?.phase) === hasEnded(before.status?.phase) &&
    pod.spec?.nodeName === before.spec?.nodeName &&
    sameLabels(pod, before) &&
    JSON.stringify(pod.metadata.ownerReferences) === JSON.stringify(before.metadata.ownerReferences)
  );
}

/** Those that a change of a namespace is about: its labels say which policies are. */
export function hitByNamespace({ object, previous }: Change<Namespace>, hits: Hits): readonly string[] {
  if (previous !== undefined && sameLabels(object, previous)) return [];
  return [...hits.of('namespace', object.metadata.name)];
}

/** Those that a change of a workload is about: how many pods it should have. */
export function hitByWorkload<T extends KubeObject>(
  kind: string,
  { object, previous }: Change<T>,
  { hits, desired }: { readonly hits: Hits; readonly desired: (object: T) => number | undefined },
): readonly string[] {
  if (previous !== undefined && desired(object) === desired(previous)) return [];
  const { namespace = '', name } = object.metadata;
  return [...hits.of('workload', workloadName({ kind, namespace, name }))];
}

function sameLabels({ metadata }: KubeObject, { metadata: before }: KubeObject): boolean {
  return JSON.stringify(metadata.labels) === JSON.stringify(before.labels);
}
