/** The beginning of the phase Running: targets are injected until all are, or the time for it is over. */
import { withCondition, withTargets, type TargetStatus } from '@chaosplane/api';
import { countOf, formatDuration } from '@chaosplane/common/pure';
import type { Decision, Understood } from './observation.ts';
import { beginRecovery } from './recovering.ts';
import { LOOK_AGAIN_MS, TTL_MARGIN_MS } from './timing.ts';

/** Injects what is left; the duration begins when all are injected, or when the time for it is over. */
export function bringUp(observation: Understood, now: number): Decision {
  const { spec, status } = observation;
  const left = status.targets.filter(({ state }) => state === 'Selected');
  const ttlMs = spec.duration + TTL_MARGIN_MS;
  const waiting = (status.startedAt ?? now) + spec.injectionTimeout - now;
  if (left.length > 0 && waiting > 0) {
    // The duration may begin as late as that, and the first ones must live until they are told when it did.
    const targets = nextInjections(left, observation);
    if (targets.length > 0) return { kind: 'inject', targets, ttlMs: waiting + ttlMs };
    return { kind: 'wait', until: now + Math.min(waiting, observation.lookAgainMs ?? LOOK_AGAIN_MS) };
  }
  const settled = withTargets(
    status,
    new Map(left.map((target) => [target.uid, tooLate(target, observation, -waiting)])),
  );
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
    return beginRecovery(effective, now, {
      phase: 'Failed',
      message: `${countOf(missed.length, 'target')} could not be injected: ${why}`,
    });
  }
  // What each was given includes the time that the others might have taken: from here on it is known.
  const executionIds = injected.flatMap(({ executionId }) => executionId ?? []);
  const ending = injected.filter((target) => target.expiresAt !== undefined);
  const extended = withTargets(effective, new Map(ending.map(({ uid }) => [uid, { expiresAt: now + ttlMs }])));
  return { kind: 'extend', executionIds, ttlMs, status: extended };
}

/** The next ones that can be asked for at this moment, as many as may be under way at the same time. */
export function nextInjections(left: readonly TargetStatus[], observation: Understood): readonly TargetStatus[] {
  const { spec, asking } = observation;
  return inTurn(left, observation).slice(0, Math.max(0, spec.execution.parallelism - (asking?.underWay ?? 0)));
}

/** Those that can be asked for now: who was asked for least comes first, and of those one of each node after the other. */
function inTurn(left: readonly TargetStatus[], { tried, asking }: Understood): TargetStatus[] {
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

/** An operator that looks so much later was not there when the time was over: what another had asked for, it cannot know. Milliseconds. */
const ABSENT_MS = 10_000;

/** `lateMs`: since when the time is over. */
function tooLate({ uid }: TargetStatus, { spec, asking, tried }: Understood, lateMs: number): Partial<TargetStatus> {
  const why = asking?.why.get(uid);
  const within = formatDuration(spec.injectionTimeout);
  if (why === undefined && tried?.has(uid) !== true && lateMs > ABSENT_MS) {
    const ended = 'if it was begun, it has ended with the lease or by its deadline';
    return {
      state: 'Missed',
      message: `no operator was there for longer than ${within}, so it is not known whether it was injected: ${ended}`,
    };
  }
  const message = `not injected within ${within}`;
  return { state: 'Missed', message: why === undefined ? message : `${message}: ${why}` };
}
