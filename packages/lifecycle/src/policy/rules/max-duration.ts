/** No longer than this. */
import { formatDuration } from '@chaosplane/common/pure';
import type { Case } from '../case.ts';

/** Of the duration that the experiment asks for. */
export function maxDuration({ policy, request }: Case): string | undefined {
  const { maxDuration: most } = policy.spec.actionLimits;
  if (most === undefined || request.duration <= most) return undefined;
  return `a duration of ${formatDuration(request.duration)} is longer than ${formatDuration(most)}`;
}
