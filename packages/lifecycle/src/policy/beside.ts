/** The cluster as it would be with more in force than there is. Pure. */
import type { KnownPolicy } from '@chaosplane/api';
import type { ClusterFacts, PolicyTarget } from './cluster.ts';
import { covered } from './scope.ts';

/** What would be in force. */
export interface Supposed {
  /** As messages name it: `step slow`. */
  readonly name: string;
  /** By its own name, not an alias. */
  readonly action: string;
  readonly targets: readonly PolicyTarget[];
}

/** The facts with these in force as well. A list of targets is of one action; what a policy is about is counted once for each list. */
export function besideOf(cluster: ClusterFacts): (supposed: readonly Supposed[]) => ClusterFacts {
  const counts = new WeakMap<readonly PolicyTarget[], Map<KnownPolicy, number>>();
  const countOf = ({ action, targets }: Supposed, policy: KnownPolicy): number => {
    const known = counts.get(targets) ?? new Map<KnownPolicy, number>();
    counts.set(targets, known);
    const count = known.get(policy) ?? covered(policy.spec.scope, { action, targets }, cluster).length;
    known.set(policy, count);
    return count;
  };
  return (supposed) => {
    const targets = [...new Set(supposed.map((one) => one.targets))].flat();
    const uids = new Set(targets.filter(({ namespace }) => namespace !== '').map(({ uid }) => uid));
    const nodes = new Set(targets.filter(({ namespace }) => namespace === '').map(({ name }) => name));
    return {
      ...cluster,
      others: () => [
        ...cluster.others(),
        ...supposed.map((one) => ({ name: one.name, covered: (policy: KnownPolicy) => countOf(one, policy) })),
      ],
      isHit: (pod) => uids.has(pod.uid) || (pod.node !== undefined && nodes.has(pod.node)) || cluster.isHit(pod),
      nodesHit: () => [...new Set([...cluster.nodesHit(), ...nodes])],
    };
  };
}
