/** Only in allowed times, and never in blocked ones. */
import type { Case } from '../case.ts';
import { whyOutside } from '../wall-clock.ts';

/** An experiment that wants to begin must have ended before the times in which it may not run; one that is under way ends with them. */
export function timeWindows({ policy, request, now }: Case): string | undefined {
  return whyOutside(policy.spec.timeWindows, now, request.begins ? now + request.duration : now);
}
