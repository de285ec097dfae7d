/** No more pods of a workload are away. */
import type { Case } from '../case.ts';
import { desiredOf, limitOf, ofDesired, tippedBy } from '../workloads.ts';

/** Counts against what the workload should have: what is missing, not Ready, on its way out or hit by any experiment. */
export function maxUnavailable(it: Case): string | undefined {
  const { maxUnavailable: most } = it.policy.spec.targetLimits;
  if (most === undefined) return undefined;
  for (const count of it.counts()) {
    const allowed = limitOf(most, count);
    const away = desiredOf(count) - count.available;
    if (away > allowed)
      return `${ofDesired(away, count.desired)} of ${count.name} would be unavailable, more than ${allowed}: ${tippedBy(count)}`;
  }
  return undefined;
}
