/** What the targets of an experiment say of it in the end. */
import { countOf } from '@chaosplane/common/pure';
import {
  type ExperimentSpec,
  targetName,
  withCondition,
  type ExperimentStatus,
  type Outcome,
  type TargetStatus,
} from '@chaosplane/api';

/** What is said of a target that went away by itself, and the fault with it; an end reason that begins with it may say more. */
export const TARGET_GONE = 'target gone';

/** How a run ends that was neither aborted nor refused. */
export function verdict({ execution }: ExperimentSpec, targets: readonly TargetStatus[]): Outcome {
  const early = targets.filter(({ endedEarly }) => endedEarly !== undefined);
  const gone = early.filter(({ endedEarly }) => endedEarly?.replace('-', ' ').startsWith(TARGET_GONE) === true);
  const others = early.length - gone.length;
  if (others > 0) return { phase: 'Failed', message: `${others} executions ended before the experiment did` };
  if (gone.length === 0) return { phase: 'Completed', message: 'the hypothesis held' };
  const [first] = gone;
  const name = first === undefined ? '' : `${targetName(first)}: ${first.endedEarly ?? ''}`;
  const message = `${gone.length} of ${countOf(targets.length, 'target')} went away before the end (${name})`;
  return execution.onTargetGone === 'Continue'
    ? { phase: 'Completed', message: `the hypothesis held; ${message}` }
    : { phase: 'Failed', message };
}

/** Whether the faults took effect, over all targets. */
export function withEffect(status: ExperimentStatus): ExperimentStatus {
  const injected = status.targets.filter(({ executionId }) => executionId !== undefined);
  const verdicts = injected.map(({ evidence }) => evidence?.verdict ?? 'Unknown');
  const verified = verdicts.filter((verdict) => verdict === 'Verified').length;
  const message = `verified on ${verified} of ${verdicts.length} targets`;
  const type = 'EffectObserved';
  if (verified > 0) return withCondition(status, { type, status: 'True', reason: 'Verified', message });
  if (verdicts.includes('NotObserved'))
    return withCondition(status, { type, status: 'False', reason: 'NotObserved', message });
  return withCondition(status, {
    type,
    status: 'Unknown',
    reason: 'NoTraffic',
    message: `${message}: nothing in scope came by`,
  });
}
