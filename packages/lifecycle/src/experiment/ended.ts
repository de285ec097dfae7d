/** What is written down when an experiment has ended, however it did. */
import { withCondition, type ExperimentStatus, type Outcome } from '@chaosplane/api';

/** Its last phase, with the condition that `kubectl wait` waits for: Complete or Failed, as a Job has them. */
export function ended(status: ExperimentStatus, outcome: Outcome, now: number): ExperimentStatus {
  const { phase, message } = outcome;
  const noted =
    phase === 'Completed'
      ? withCondition(status, { type: 'Complete', status: 'True', reason: phase, message })
      : withCondition(status, { type: 'Failed', status: 'True', reason: phase, message });
  return { ...noted, phase, outcome, endedAt: now };
}
