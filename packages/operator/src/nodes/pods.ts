/** Which pods of a node a drain evicts, which stay, and which it refuses. Pure. */
import type { NodeDrainSpec } from '@chaosplane/actions';
import type { Pod } from '@chaosplane/kube';

/** One pod, and what a drain does with it. `why` names a group: `of a DaemonSet`. */
export type JudgedPod =
  | { readonly what: 'evict' | 'ending'; readonly pod: Pod }
  | { readonly what: 'stays' | 'refused'; readonly pod: Pod; readonly why: string };

/** How a drain judges. */
export interface DrainRules extends Omit<NodeDrainSpec, 'timeoutMs'> {
  /** Where the operator and the daemons are. */
  readonly namespace: string;
  /** When the last target was cordoned, in milliseconds since 1970; absent: it is not yet. */
  readonly begunAt?: number | undefined;
}

/** The clock of the API server, by which pods are created, and the operator's may differ by so much. Milliseconds. */
const SKEW_MS = 5000;

/** The kubelet writes it into the object that stands for a static pod: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
const MIRROR = 'kubernetes.io/config.mirror';

/** Which part of ChaosPlane it is a pod of; undefined for all others. Without the operator no program would take a cordon or a taint away. */
export function ownPart({ metadata }: Pod, namespace: string): 'operator' | 'daemon' | undefined {
  const { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': part } = metadata.labels ?? {};
  if (metadata.namespace !== namespace || name !== 'chaosplane') return undefined;
  return part === 'operator' || part === 'daemon' ? part : undefined;
}

/** Whether it has ended: nothing of it runs. */
export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** The kind of the controller that makes another one in its place; undefined when there is none. */
export const controllerOf = ({ metadata }: Pod): string | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true)?.kind;

/** Each of the pods of a node, in their order. */
export function judgePods(pods: readonly Pod[], rules: DrainRules): JudgedPod[] {
  return pods.map((pod): JudgedPod => {
    const stays = whyStays(pod, rules);
    if (stays !== undefined) return { what: 'stays', pod, why: stays };
    if (pod.metadata.deletionTimestamp !== undefined) return { what: 'ending', pod };
    const refused = whyRefused(pod, rules);
    return refused === undefined ? { what: 'evict', pod } : { what: 'refused', pod, why: refused };
  });
}

function whyStays(pod: Pod, { namespace, ignoreDaemonSets, begunAt = Infinity }: DrainRules): string | undefined {
  const { annotations, ownerReferences = [], creationTimestamp = '' } = pod.metadata;
  if (ownPart(pod, namespace) !== undefined) return 'of ChaosPlane';
  if (hasEnded(pod)) return 'ended before';
  // An eviction of one is answered 201, and the kubelet runs it on.
  if (annotations?.[MIRROR] !== undefined || ownerReferences.some(({ kind }) => kind === 'Node')) return 'static';
  if (controllerOf(pod) === 'DaemonSet') return ignoreDaemonSets ? 'of a DaemonSet' : undefined;
  return Date.parse(creationTimestamp) > begunAt + SKEW_MS ? 'came after the cordon' : undefined;
}

function whyRefused(pod: Pod, { ignoreDaemonSets, deleteEmptyDirData, force }: DrainRules): string | undefined {
  const controller = controllerOf(pod);
  if (controller === 'DaemonSet' && !ignoreDaemonSets) return 'is of a DaemonSet (ignoreDaemonSets is false)';
  if (controller === undefined && !force) return 'has no controller and would not come back (force is false)';
  const holdsData = pod.spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) === true;
  return holdsData && !deleteEmptyDirData ? 'has an emptyDir (deleteEmptyDirData is false)' : undefined;
}

/** `shop/web-1`. */
export const podName = ({ metadata: { namespace = '', name } }: Pod): string => `${namespace}/${name}`;
