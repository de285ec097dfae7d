/** What the targets of an experiment say of it: whether the faults took effect, and whether they lasted. Pure. */
import { countOf } from '@chaosplane/common/pure';
import {
  targetName,
  withCondition,
  type ExperimentCondition,
  type ExperimentSpec,
  type ExperimentStatus,
  type Outcome,
  type TargetStatus,
} from '@chaosplane/api';

/** What is said of a target that went away by itself, and the fault with it; an end reason that begins with it may say more. */
export const TARGET_GONE = 'target gone';

/** How an experiment ends of which nothing else is to be said. */
export const RAN = 'it ran to its end';

/** What is said where the effect was looked for in vain. */
export const unseen = ({ message }: Pick<ExperimentCondition, 'message'>): string => `no effect was seen: ${message}`;

/** Whether the target went away by itself, and its fault with it. */
export function isGone({ endedEarly }: Pick<TargetStatus, 'endedEarly'>): boolean {
  return endedEarly?.replace('-', ' ').startsWith(TARGET_GONE) === true;
}

/** How a run ends that was neither aborted nor refused, as far as its targets tell. */
export function outcomeOf({ execution, target }: ExperimentSpec, { targets, conditions }: ExperimentStatus): Outcome {
  const early = targets.filter(({ endedEarly }) => endedEarly !== undefined);
  const gone = early.filter(isGone);
  const others = early.length - gone.length;
  if (others > 0)
    return { phase: 'Failed', message: `${countOf(others, 'execution')} ended before the experiment did` };
  const [first] = gone;
  const name = first === undefined ? '' : `${targetName(first)}: ${first.endedEarly ?? ''}`;
  const went = `${gone.length} of ${countOf(targets.length, 'target')} went away before the end (${name})`;
  // What took their place was hit, too.
  if (gone.length > 0 && execution.onTargetGone === 'Fail' && !target.dynamic)
    return { phase: 'Failed', message: went };
  const effect = conditions.find(({ type }) => type === 'EffectObserved');
  if (effect?.status === 'False') return { phase: 'Failed', message: unseen(effect) };
  return { phase: 'Completed', message: gone.length === 0 ? RAN : went };
}

/** Whether the faults took effect, over all targets. */
export function withEffect(status: ExperimentStatus): ExperimentStatus {
  const injected = status.targets.filter(({ executionId }) => executionId !== undefined);
  const seen = injected.map(({ evidence }) => evidence?.verdict ?? 'Unknown');
  const verified = seen.filter((one) => one === 'Verified').length;
  const message = `verified on ${verified} of ${seen.length} targets`;
  const type = 'EffectObserved';
  if (verified > 0) return withCondition(status, { type, status: 'True', reason: 'Verified', message });
  if (seen.includes('NotObserved'))
    return withCondition(status, { type, status: 'False', reason: 'NotObserved', message });
  const [reason, why] = seen.includes('NoTraffic')
    ? (['NoTraffic', 'nothing in scope came by'] as const)
    : (['NotMeasured', 'it was not measured'] as const);
  return withCondition(status, { type, status: 'Unknown', reason, message: `${message}: ${why}` });
}

/** A daemon that was slow when the effect was asked for has told it by the end of the execution. */
export function measuredAtLast(
  status: ExperimentStatus,
  outcome: Outcome,
): { readonly status: ExperimentStatus; readonly outcome: Outcome } {
  const effectOf = ({ conditions }: ExperimentStatus) => conditions.find(({ type }) => type === 'EffectObserved');
  if (effectOf(status)?.status !== 'Unknown') return { status, outcome };
  const measured = withEffect(status);
  const effect = effectOf(measured);
  const inVain = effect?.status === 'False' && outcome.phase === 'Completed';
  return { status: measured, outcome: inVain ? { phase: 'Failed', message: unseen(effect) } : outcome };
}
