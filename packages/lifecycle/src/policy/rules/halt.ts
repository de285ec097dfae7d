/** The kill switch: nothing is in force while it is on. */
import { countOf } from '@chaosplane/common/pure';
import type { Case } from '../case.ts';

/** Of any target in the scope. */
export function halt({ policy, request }: Case): string | undefined {
  if (!policy.spec.halt) return undefined;
  return `halt is true, and ${countOf(request.targets.length, 'target')} of the experiment would be hit; nothing begins until it is false`;
}
