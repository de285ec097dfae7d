/** What was measured of an execution, for the status of its target. */
import type { TargetStatus } from '@chaosplane/api';
import { defined } from '@chaosplane/common/pure';
import type { ObservedExecution } from './observation.ts';

/** The change of a target; none when nothing was measured. */
export const evidenceOf = (execution: ObservedExecution | undefined): Pick<TargetStatus, 'evidence'> =>
  execution?.evidence === undefined ? {} : { evidence: execution.evidence };

/** The change of a target whose execution has ended. */
export function recovered(execution: ObservedExecution): Partial<TargetStatus> {
  return { state: 'Recovered', ...evidenceOf(execution), ...defined({ inForceMs: execution.inForceMs }) };
}
