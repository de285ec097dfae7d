/** What is protected is never hit. */
import { countOf } from '@chaosplane/common/pure';
import { targetName, type ProtectedResource } from '@chaosplane/api';
import type { Case } from '../case.ts';
import type { ClusterFacts, PolicyPod, PolicyTarget } from '../cluster.ts';
import { fits, isNode, placesOf } from '../scope.ts';
import { workloadName } from '../workloads.ts';

/** Of everything that might be drawn when the experiment wants to begin: the draw is no reason to allow it. */
export function protectedResources({ policy, request, cluster }: Case): string | undefined {
  const judges = policy.spec.protectedResources.map((entry) => whyProtected(entry, cluster));
  const candidates = request.begins ? request.fitting : request.targets;
  const found = candidates.flatMap((target) => {
    const why = firstOf(judges, (judge) => judge(target));
    return why === undefined ? [] : [{ target, why }];
  });
  const [first] = found;
  if (first === undefined) return undefined;
  const { target, why } = first;
  const others = found.length > 1 ? `, as ${countOf(found.length - 1, 'other target')} that may be hit` : '';
  return `${targetName(target)} is protected${others}: ${why}; name other targets`;
}

type Judge = (target: PolicyTarget) => string | undefined;

function whyProtected(entry: ProtectedResource, cluster: ClusterFacts): Judge {
  const isPlace = placesOf(entry, cluster);
  const names = entry.names === undefined ? undefined : new Set(entry.names);
  const isNamed = (name: string): boolean => names?.has(name) !== false;
  const podIs = (pod: PolicyPod): string | undefined => whyPod(entry, pod, { isPlace, isNamed });
  return (target) => {
    if (!isNode(target)) {
      const pod = cluster.pod(target);
      if (pod !== undefined) return podIs(pod);
      // Its labels and its workload are not known any more, its namespace is.
      return entry.kind !== 'Node' && isPlace(target.namespace) && isNamed(target.name) ? placeOf(target) : undefined;
    }
    if (entry.kind === 'Node') {
      const labels = (): ReturnType<ClusterFacts['nodeLabels']> => cluster.nodeLabels(target.name);
      return isNamed(target.name) && fits(entry.labelSelector, labels) ? saysOf(entry) : undefined;
    }
    if (!entry.includeNodes) return undefined;
    const pod = cluster.podsOn(target.name).find((each) => podIs(each) !== undefined);
    return pod === undefined ? undefined : `${targetName(pod)} runs on it (${podIs(pod) ?? ''})`;
  };
}

interface Fits {
  readonly isPlace: (namespace: string) => boolean;
  readonly isNamed: (name: string) => boolean;
}

function whyPod(entry: ProtectedResource, pod: PolicyPod, { isPlace, isNamed }: Fits): string | undefined {
  const { kind } = entry;
  if (kind === 'Node' || !isPlace(pod.namespace) || !fits(entry.labelSelector, () => pod.labels)) return undefined;
  if (kind === 'Pod') return isNamed(pod.name) ? saysOf(entry, placeOf(pod)) : undefined;
  const { workload } = pod;
  if (workload.kind !== kind || !isNamed(workload.name)) return undefined;
  return `it is of the ${workloadName(workload)}`;
}

const placeOf = ({ namespace }: Pick<PolicyTarget, 'namespace'>): string => `the namespace ${namespace} is`;

/** What about it is protected. */
function saysOf({ names, labelSelector }: ProtectedResource, place?: string): string {
  if (names !== undefined) return 'its name is';
  if (labelSelector !== undefined) return 'its labels are';
  return place ?? 'all nodes are';
}

function firstOf<T, R>(items: readonly T[], of: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = of(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
