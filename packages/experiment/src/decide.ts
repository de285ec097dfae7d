/** What to do next with an experiment: pure, and the same for the operator and for `chaosplane run`. */
import { countOf, formatDuration } from '@chaosplane/common';
import type { Decision, Observation, ObservedExecution } from './observation.ts';
import { selectTargets } from './select.ts';
import { asTarget, selectionMessage } from './selection-message.ts';
import {
  isFinal,
  withCondition,
  withTargets,
  type ExperimentStatus,
  type Outcome,
  type TargetStatus,
} from '@chaosplane/api';
import { verdict, withEffect } from './verdict.ts';

/**
 * An execution outlives the experiment by so much at most, should nobody be there to cancel it: enough for a cancel that is
 * a little late, and no more, because where the API server is away its daemon alone ends it.
 */
export const TTL_MARGIN_MS = 5000;

/** When the observation says nothing else. */
const LOOK_AGAIN_MS = 500;

/** Decides. Deterministic and total. */
export function decide(observation: Observation, now: number): Decision {
  const { status, abort } = observation;
  if (isFinal(status)) return { kind: 'done' };
  if (abort !== undefined && status.outcome?.phase !== 'Aborted') {
    return recover(status, now, { phase: 'Aborted', message: abort });
  }
  switch (status.phase) {
    case 'Pending':
      return select(observation, now);
    case 'SteadyStateChecking':
      return checkBefore(observation, now);
    case 'Running':
      return status.effectiveAt === undefined ? bringUp(observation, now) : run(observation, status.effectiveAt, now);
    case 'Completing':
      return complete(observation, now);
    case 'Recovering':
      return finish(observation, now);
    case 'Completed':
    case 'Failed':
    case 'Aborted':
      return { kind: 'done' };
  }
}

function select({ spec, status, candidates, seed }: Observation, now: number): Decision {
  const selection = selectTargets(candidates, spec, spec.target.seed ?? seed);
  const message = selectionMessage(selection, spec);
  if (selection.chosen.length === 0) {
    const failed = withCondition(status, { type: 'Selected', status: 'False', reason: 'NoTarget', message });
    return {
      kind: 'advance',
      status: { ...failed, phase: 'Failed', endedAt: now, outcome: { phase: 'Failed', message } },
    };
  }
  const targets = selection.chosen.map(asTarget);
  const selected = withCondition(status, { type: 'Selected', status: 'True', reason: 'TargetsChosen', message });
  return { kind: 'advance', status: { ...selected, phase: 'SteadyStateChecking', targets } };
}

function checkBefore({ spec, status, before }: Observation, now: number): Decision {
  if (spec.steadyState.before.length > 0) {
    if (before === undefined) return { kind: 'probe', side: 'before' };
    if (!before.passed) {
      const message = `the steady state was not there to begin with: ${before.message}`;
      return {
        kind: 'advance',
        status: { ...status, phase: 'Failed', endedAt: now, outcome: { phase: 'Failed', message } },
      };
    }
  }
  return { kind: 'advance', status: { ...status, phase: 'Running', startedAt: now } };
}

/** Injects what is left; the duration begins when all are injected, or when the time for it is over. */
function bringUp(observation: Observation, now: number): Decision {
  const { spec, status, asking } = observation;
  const left = status.targets.filter(({ state }) => state === 'Selected');
  const ttlMs = spec.duration + TTL_MARGIN_MS;
  const waiting = (status.startedAt ?? now) + spec.injectionTimeout - now;
  if (left.length > 0 && waiting > 0) {
    // The duration may begin as late as that, and the first ones must live until they are told when it did.
    const targets = inTurn(left, observation).slice(
      0,
      Math.max(0, spec.execution.parallelism - (asking?.underWay ?? 0)),
    );
    if (targets.length > 0) return { kind: 'inject', targets, ttlMs: waiting + ttlMs };
    return { kind: 'wait', until: now + Math.min(waiting, observation.lookAgainMs ?? LOOK_AGAIN_MS) };
  }
  const settled = withTargets(status, new Map(left.map((target) => [target.uid, tooLate(target, observation)])));
  const injected = settled.targets.filter(({ state }) => state === 'Injected');
  const missed = settled.targets.filter(({ state }) => state === 'Missed');
  const count = `${injected.length} of ${settled.targets.length} targets`;
  const why = missed[0]?.message ?? '';
  const effective = withCondition(
    { ...settled, effectiveAt: now },
    missed.length === 0
      ? { type: 'Injected', status: 'True', reason: 'AllInjected', message: count }
      : { type: 'Injected', status: 'False', reason: 'TargetsMissed', message: `${count}: ${why}` },
  );
  if (injected.length === 0 || (missed.length > 0 && spec.execution.onMissed === 'Recover')) {
    return recover(effective, now, {
      phase: 'Failed',
      message: `${missed.length} targets could not be injected: ${why}`,
    });
  }
  // What each was given includes the time that the others might have taken: from here on it is known.
  const executionIds = injected.flatMap(({ executionId }) => executionId ?? []);
  const expiresAt = now + ttlMs;
  const extended = withTargets(effective, new Map(injected.map(({ uid }) => [uid, { expiresAt }])));
  return { kind: 'extend', executionIds, ttlMs, status: extended };
}

/** Those that can be asked for now: who was asked for least comes first, and of those one of each node after the other. */
function inTurn(left: readonly TargetStatus[], { tried, asking }: Observation): TargetStatus[] {
  const ofNode = new Map<string, number>();
  const ranked = left
    .filter(({ uid }) => asking?.held.has(uid) !== true)
    .map((target) => {
      const { uid, node = '' } = target;
      const times = tried?.get(uid) ?? 0;
      const round = (ofNode.get(`${times} ${node}`) ?? 0) + 1;
      ofNode.set(`${times} ${node}`, round);
      return { target, times, round };
    });
  return ranked.toSorted((a, b) => a.times - b.times || a.round - b.round).map(({ target }) => target);
}

function tooLate({ uid }: TargetStatus, { spec, asking }: Observation): Partial<TargetStatus> {
  const why = asking?.why.get(uid);
  const message = `not injected within ${formatDuration(spec.injectionTimeout)}`;
  return { state: 'Missed', message: why === undefined ? message : `${message}: ${why}` };
}

function run(observation: Observation, effectiveAt: number, now: number): Decision {
  const { spec, status } = observation;
  const end = effectiveAt + spec.duration;
  const noted = noteEnded(observation, end, now);
  if (noted !== undefined) return { kind: 'advance', status: noted };
  const live = status.targets.some(({ state }) => state === 'Injected');
  if (now >= end || !live) return { kind: 'advance', status: { ...status, phase: 'Completing' } };
  return { kind: 'wait', until: Math.min(end, now + (observation.lookAgainMs ?? LOOK_AGAIN_MS)) };
}

/** Executions that ended by themselves: the pod is gone, the TTL or a lease ran out, somebody cancelled them. */
function noteEnded({ status, executions }: Observation, end: number, now: number): ExperimentStatus | undefined {
  const ended = status.targets.flatMap((target): [string, Partial<TargetStatus>][] => {
    const execution = executions.get(target.executionId ?? '');
    if (target.state !== 'Injected' || execution?.live !== false) return [];
    // A one-shot action is done as soon as it has happened; and a deadline passes while nobody looks, after the duration.
    const onTime = execution.endReason === 'done' || (execution.endReason === 'expired' && now >= end);
    const early = onTime ? {} : { endedEarly: execution.endReason ?? 'unknown' };
    return [[target.uid, { state: 'Recovered', ...early, ...evidenceOf(execution) }]];
  });
  return ended.length === 0 ? undefined : withTargets(status, new Map(ended));
}

const evidenceOf = (execution: ObservedExecution | undefined): Pick<TargetStatus, 'evidence'> =>
  execution?.evidence === undefined ? {} : { evidence: execution.evidence };

/** The last evidence while the faults are still in place. */
function complete({ spec, status, executions }: Observation, now: number): Decision {
  const evidence = status.targets.map(({ uid, executionId }): [string, Partial<TargetStatus>] => {
    return [uid, evidenceOf(executions.get(executionId ?? ''))];
  });
  const measured = withEffect(withTargets(status, new Map(evidence)));
  return recover(measured, now, verdict(spec, status.targets));
}

function recover(status: ExperimentStatus, now: number, outcome: Outcome): Decision {
  return {
    kind: 'advance',
    status: { ...status, phase: 'Recovering', recoveringAt: status.recoveringAt ?? now, outcome },
  };
}

/** Until every execution has ended and the steady state is back. */
function finish(observation: Observation, now: number): Decision {
  const { spec, status, executions } = observation;
  const open = status.targets.filter(({ state }) => state === 'Injected');
  const known = new Set(status.targets.map(({ executionId }) => executionId));
  // An injection whose answer was lost is in no target's status, and in force all the same.
  const strays = [...executions].filter(([id, { live }]) => live && !known.has(id)).map(([id]) => id);
  if (open.length + strays.length === 0 || !spec.rollback.enabled) return afterwards(observation, now, open.length);
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
    return execution?.live === false ? [[uid, { state: 'Recovered', ...evidenceOf(execution) }]] : [];
  });
  return new Map(ended);
}

function noteStuck(
  { spec, status, executions }: Observation,
  open: readonly TargetStatus[],
  now: number,
): ExperimentStatus | undefined {
  const known = status.conditions.some(({ type }) => type === 'Stuck');
  if (known || now < (status.recoveringAt ?? now) + spec.rollback.timeout) return undefined;
  const errors = open.flatMap(({ executionId }) => executions.get(executionId ?? '')?.error ?? []);
  const message = `${open.length} executions have not recovered yet: ${errors[0] ?? 'no reason is known'}`;
  return withCondition(status, { type: 'Stuck', status: 'True', reason: 'RecoveryTakesLong', message });
}

function afterwards({ spec, status, after }: Observation, now: number, left: number): Decision {
  const outcome = status.outcome ?? { phase: 'Failed', message: 'nobody noted why it ended' };
  if (outcome.phase === 'Completed' && spec.steadyState.after.length > 0 && after?.passed !== true) {
    const late = now >= (status.recoveringAt ?? now) + spec.steadyState.recoveryTimeout;
    if (after === undefined || !late) return { kind: 'probe', side: 'after' };
    return end(status, now, left, { phase: 'Failed', message: `the steady state did not come back: ${after.message}` });
  }
  return end(status, now, left, outcome);
}

function end(status: ExperimentStatus, now: number, left: number, outcome: Outcome): Decision {
  const injected = status.targets.filter(({ executionId }) => executionId !== undefined).length;
  const recovered =
    left === 0
      ? ({ status: 'True', reason: 'NothingLeft', message: `${countOf(injected, 'execution')} ended` } as const)
      : ({ status: 'Unknown', reason: 'LeftToTTL', message: `${countOf(left, 'execution')} left to the TTL` } as const);
  const settled = status.conditions.filter(({ type }) => left > 0 || type !== 'Stuck');
  const noted = withCondition({ ...status, conditions: settled }, { type: 'Recovered', ...recovered });
  return { kind: 'advance', status: { ...noted, phase: outcome.phase, outcome, endedAt: now } };
}
