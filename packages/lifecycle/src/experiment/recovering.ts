/** The phase Recovering: executions are cancelled until all have ended, and the steady state is asked for again. */
import {
  withCondition,
  withTargets,
  type ExperimentSpec,
  type ExperimentStatus,
  type Outcome,
  type TargetStatus,
} from '@chaosplane/api';
import { countOf } from '@chaosplane/common/pure';
import { recovered } from './evidence.ts';
import type { Decision, Observation, ProbeOutcome } from './observation.ts';
import { measuredAtLast } from './effect.ts';
import { withSteadyState } from './steady-state.ts';
import { samplesBack } from './sampling.ts';
import { LOOK_AGAIN_MS } from './timing.ts';
import { judged } from './verdict.ts';

/** What the recovery asks of a spec. */
interface Recovery extends Omit<Observation, 'spec'> {
  readonly spec: Pick<ExperimentSpec, 'rollback' | 'steadyState'>;
}

/**
 * Stands in for a spec that cannot be understood: everything is undone, and nothing is asked afterwards. What is left of its time
 * is not known.
 */
export const unknownSpec: Recovery['spec'] & Pick<ExperimentSpec, 'injectionTimeout' | 'duration'> = {
  injectionTimeout: 60_000,
  duration: 1000,
  rollback: { enabled: true, timeout: 60_000 },
  steadyState: { before: [], during: [], after: [], recoveryTimeout: 60_000 },
};

/** Begins the recovery; the outcome is that of the experiment once it has recovered. */
export function beginRecovery(status: ExperimentStatus, now: number, outcome: Outcome): Decision {
  return {
    kind: 'advance',
    status: { ...status, phase: 'Recovering', recoveringAt: status.recoveringAt ?? now, outcome },
  };
}

/** Whether a policy has ended it: all of it is recovered then, regardless of what its author wanted. */
export function isDenied({ conditions }: Pick<ExperimentStatus, 'conditions'>): boolean {
  return conditions.some(({ type, reason }) => type === 'WithinPolicy' && reason === 'PolicyDenied');
}

/** Until every execution has ended and the steady state is back. */
export function finish(observation: Recovery, now: number): Decision {
  const { spec, status, executions } = observation;
  const open = status.targets.filter(({ state }) => state === 'Injected');
  const leaves = !spec.rollback.enabled && !isDenied(status);
  const known = new Set(status.targets.map(({ executionId }) => executionId));
  // An injection whose answer was lost is in no target's status, and in force all the same.
  const strays = [...executions].filter(([id, { live }]) => live && !known.has(id)).map(([id]) => id);
  if (open.length + strays.length === 0 || leaves) return afterwards(observation, now, open.length);
  const ended = noteRecovered(open, executions);
  if (ended.size > 0) return { kind: 'advance', status: withTargets(status, ended) };
  const stuck = noteStuck(observation, open, now);
  if (stuck !== undefined) return { kind: 'advance', status: stuck };
  return { kind: 'cancel', executionIds: [...open.flatMap(({ executionId }) => executionId ?? []), ...strays] };
}

function noteRecovered(
  open: readonly TargetStatus[],
  executions: Observation['executions'],
): ReadonlyMap<string, Partial<TargetStatus>> {
  const ended = open.flatMap(({ uid, executionId }): [string, Partial<TargetStatus>][] => {
    const execution = executions.get(executionId ?? '');
    return execution?.live === false ? [[uid, recovered(execution)]] : [];
  });
  return new Map(ended);
}

function noteStuck(
  { spec, status, executions }: Recovery,
  open: readonly TargetStatus[],
  now: number,
): ExperimentStatus | undefined {
  const known = status.conditions.some(({ type }) => type === 'Stuck');
  if (known || now < (status.recoveringAt ?? now) + spec.rollback.timeout) return undefined;
  const errors = open.flatMap(({ executionId }) => executions.get(executionId ?? '')?.error ?? []);
  const message = `${countOf(open.length, 'execution')} not recovered yet: ${errors[0] ?? 'no reason is known'}`;
  return withCondition(status, { type: 'Stuck', status: 'True', reason: 'RecoveryTakesLong', message });
}

function afterwards(recovery: Recovery, now: number, left: number): Decision {
  const { spec, status, after } = recovery;
  const { during, after: probes, recoveryTimeout } = spec.steadyState;
  const outcome = status.outcome ?? { phase: 'Failed', message: 'the reason was not recorded' };
  if (outcome.phase !== 'Completed' || probes.length + during.length === 0)
    return end(recovery, now, left, { outcome, after: undefined });
  const { recoveredAt } = status;
  if (during.length > 0 && recoveredAt === undefined)
    return { kind: 'advance', status: { ...status, recoveredAt: now } };
  const late = now >= (status.recoveringAt ?? now) + recoveryTimeout;
  const open = probes.length > 0 && (after === undefined || (after.outcome !== 'pass' && !late));
  if (open) return { kind: 'probe', side: 'after' };
  const back = samplesBack(status, recoveredAt ?? now);
  if (back !== undefined && !late) return { kind: 'wait', until: now + LOOK_AGAIN_MS };
  const told = after === undefined ? recovery : { ...recovery, status: withSteadyState(status, after, AFTER) };
  const lost = after === undefined || after.outcome === 'pass' ? back : after;
  if (lost === undefined) return end(told, now, left, { outcome, after });
  const what = {
    fail: 'the steady state did not come back',
    error: 'it is not known whether the steady state came back',
    pass: '',
  };
  const message = `${what[lost.outcome]}: ${lost.message}`;
  const noted = { ...told, status: withSteadyState(status, lost, AFTER) };
  return end(noted, now, left, { outcome: { phase: 'Failed', message }, after: lost });
}

const AFTER = 'after the faults';

function end(
  { spec, status }: Recovery,
  now: number,
  left: number,
  { outcome, after }: { readonly outcome: Outcome; readonly after: ProbeOutcome | undefined },
): Decision {
  const injected = status.targets.filter(({ executionId }) => executionId !== undefined).length;
  const said =
    left === 0
      ? ({ status: 'True', reason: 'NothingLeft', message: `${countOf(injected, 'execution')} ended` } as const)
      : ({ status: 'Unknown', reason: 'LeftToTTL', message: `${countOf(left, 'execution')} left to the TTL` } as const);
  const settled = status.conditions.filter(({ type }) => left > 0 || type !== 'Stuck');
  const noted = withCondition({ ...status, conditions: settled }, { type: 'Recovered', ...said });
  return { kind: 'advance', status: judged({ spec, ...measuredAtLast(noted, outcome), after }, now) };
}
