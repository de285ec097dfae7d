/** Only these actions. */
import type { Case } from '../case.ts';

/** By the names of actions; aliases were resolved before. */
export function allowedActions({ policy, request }: Case): string | undefined {
  const { allowedActions: allowed } = policy.spec.actionLimits;
  if (allowed === undefined || allowed.includes(request.action)) return undefined;
  return `${request.action} is none of the allowed actions: ${allowed.join(', ')}`;
}
