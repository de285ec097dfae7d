/** How many pods of each workload are left while an experiment hits its targets. Pure. */
import { ChaosError, countOf } from '@chaosplane/common/pure';
import type { PodLimit } from '@chaosplane/api';
import type { Case, Count } from './case.ts';
import type { ClusterFacts, PolicyPod, WorkloadRef } from './cluster.ts';
import { covered, isNode } from './scope.ts';

/** The workloads of which the experiment hits pods, in the scope of the policy. Grows with their pods alone. */
export function countWorkloads({ policy, request, cluster }: Omit<Case, 'counts'>): readonly Count[] {
  const hit = new Map<string, { readonly ref: WorkloadRef; readonly uids: Set<string> }>();
  for (const { uid, workload: ref } of podsHit(policy.spec.scope, request, cluster)) {
    const key = workloadName(ref);
    const entry = hit.get(key) ?? { ref, uids: new Set() };
    entry.uids.add(uid);
    hit.set(key, entry);
  }
  return [...hit].map(([name, { ref, uids }]) => countOne(name, ref, uids, cluster));
}

/** The pods among the targets, and those of the scope that run on nodes among them. */
function podsHit(
  scope: Case['policy']['spec']['scope'],
  { action, targets }: Case['request'],
  cluster: ClusterFacts,
): readonly PolicyPod[] {
  return targets.flatMap((target) => {
    if (isNode(target)) return covered(scope, { action, targets: cluster.podsOn(target.name) }, cluster);
    return cluster.pod(target) ?? [];
  });
}

function countOne(name: string, ref: WorkloadRef, own: ReadonlySet<string>, cluster: ClusterFacts): Count {
  const { desired, pods } = cluster.workload(ref);
  const rest = pods.filter(({ uid }) => !own.has(uid));
  const free = rest.filter((pod) => !cluster.isHit(pod));
  const notReady = free.filter(({ ready }) => !ready).map((pod) => pod.name);
  return {
    ...{ name, desired, notReady, own: own.size },
    others: rest.length - free.length,
    available: free.length - notReady.length,
  };
}

/** As people know it. */
export function workloadName({ kind, namespace, name }: WorkloadRef): string {
  return `${kind} ${namespace}/${name}`;
}

/**
 * How many pods a workload should have.
 * @throws ChaosError FAILED_PRECONDITION where that is not known.
 */
export function desiredOf({ name, desired }: Pick<Count, 'name' | 'desired'>): number {
  if (desired !== undefined) return desired;
  const wayOut = 'minAvailable as a number of pods can be judged all the same';
  throw new ChaosError('FAILED_PRECONDITION', `it is not known how many pods ${name} should have; ${wayOut}`);
}

/** The number of pods that a limit means. A percentage rounds up, as in a PodDisruptionBudget. */
export function limitOf(limit: PodLimit, count: Pick<Count, 'name' | 'desired'>): number {
  return 'count' in limit ? limit.count : Math.ceil((desiredOf(count) * limit.percent) / 100);
}

/** What is not available: `2 hit by this experiment, 1 not Ready (web-x), 1 missing`. */
export function tippedBy({ own, others, notReady, available, desired }: Count): string {
  const there = own + others + notReady.length + available;
  const missing = Math.max(0, (desired ?? there) - there);
  const [first] = notReady;
  const parts = [
    `${own} hit by this experiment`,
    others > 0 ? `${others} by others` : '',
    first === undefined ? '' : `${notReady.length} not Ready (${notReady.length === 1 ? first : `${first}, …`})`,
    missing > 0 ? `${missing} missing` : '',
  ];
  return parts.filter(Boolean).join(', ');
}

/** `2 of 5 pods`, or `2 pods` where it is not known how many there should be. */
export function ofDesired(number: number, desired: number | undefined): string {
  return desired === undefined ? countOf(number, 'pod') : `${number} of ${countOf(desired, 'pod')}`;
}
