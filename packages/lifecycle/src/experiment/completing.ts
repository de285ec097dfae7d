/** The phase Completing: faults are measured once more while they are in force. */
import { withTargets, type TargetStatus } from '@chaosplane/api';
import { evidenceOf } from './evidence.ts';
import type { Decision, Understood } from './observation.ts';
import { beginRecovery } from './recovering.ts';
import { outcomeOf, withEffect } from './effect.ts';

/** The last evidence while the faults are still in place. */
export function complete({ spec, status, executions }: Understood, now: number): Decision {
  const evidence = status.targets.map(({ uid, executionId }): [string, Partial<TargetStatus>] => {
    return [uid, evidenceOf(executions.get(executionId ?? ''))];
  });
  const measured = withEffect(withTargets(status, new Map(evidence)));
  return beginRecovery(measured, now, outcomeOf(spec, measured));
}
