/** So many pods of each workload are left. */
import type { Case } from '../case.ts';
import { limitOf, ofDesired, tippedBy } from '../workloads.ts';

/** Counts pods that are Ready at this moment and that no experiment hits. */
export function minAvailable(it: Case): string | undefined {
  const { minAvailable: least } = it.policy.spec.targetLimits;
  if (least === undefined) return undefined;
  for (const count of it.counts()) {
    const needed = limitOf(least, count);
    if (count.available < needed)
      return `${ofDesired(count.available, count.desired)} of ${count.name} would be available, fewer than ${needed}: ${tippedBy(count)}`;
  }
  return undefined;
}
