/** Which targets a policy is about. Pure. What is not known of a target puts it in. */
import { whyNoMatch, type LabelSelector, type PolicyScope } from '@chaosplane/api';
import type { ClusterFacts, Labels, PolicyTarget } from './cluster.ts';

/** Where targets are looked for. */
type Places = Pick<PolicyScope, 'namespaces' | 'namespaceSelector'>;

/** The targets of an experiment that are in the scope. A node is, too, when a pod runs on it that is. */
export function covered<Target extends PolicyTarget>(
  scope: PolicyScope,
  { action, targets }: { readonly action: string; readonly targets: readonly Target[] },
  cluster: ClusterFacts,
): readonly Target[] {
  if (scope.actions?.includes(action) === false) return [];
  const isPlace = placesOf(scope, cluster);
  const coversPod = ({ namespace }: PolicyTarget, labels: () => Labels | undefined): boolean =>
    isPlace(namespace) && fits(scope.labelSelector, labels);
  const everywhere = scope.namespaces === undefined && scope.namespaceSelector === undefined;
  return targets.filter((target) => {
    if (!isNode(target)) return coversPod(target, () => cluster.pod(target)?.labels);
    if (everywhere && fits(scope.labelSelector, () => cluster.nodeLabels(target.name))) return true;
    return cluster.podsOn(target.name).some((pod) => coversPod(pod, () => pod.labels));
  });
}

/** Whether it is a node. */
export const isNode = ({ namespace }: Pick<PolicyTarget, 'namespace'>): boolean => namespace === '';

/** Whether a namespace is one of those, each of which is asked for once. */
export function placesOf(
  { namespaces, namespaceSelector }: Places,
  cluster: Pick<ClusterFacts, 'namespaceLabels'>,
): (namespace: string) => boolean {
  const known = new Map<string, boolean>();
  return (namespace) => {
    const before = known.get(namespace);
    if (before !== undefined) return before;
    const named = namespaces === undefined || namespaces.includes(namespace);
    const is = named && fits(namespaceSelector, () => cluster.namespaceLabels(namespace));
    known.set(namespace, is);
    return is;
  };
}

/** Whether labels match; those that are not known do. */
export function fits(selector: LabelSelector | undefined, labelsOf: () => Labels | undefined): boolean {
  if (selector === undefined) return true;
  const labels = labelsOf();
  return labels === undefined || whyNoMatch(labels, selector) === undefined;
}
