/** Dynamic targets: what takes the place of targets that went away is hit for what is left of the duration. Pure. */
import { withTargets, type ExperimentSpec, type ExperimentStatus } from '@chaosplane/api';
import { nextInjections } from './injecting.ts';
import type { Decision, Understood } from './observation.ts';
import { mayBeHit } from './policy.ts';
import { selectMore } from './select.ts';
import { asTarget } from './selection-message.ts';
import { TTL_MARGIN_MS } from './timing.ts';

/** An experiment has no more targets than this, one after the other: pods that crash again and again do not fill the API server. */
const MOST_TARGETS = 5000;

/** Whether targets are chosen at this moment, so that candidates are needed. */
export function choosesTargets(
  { target }: Pick<ExperimentSpec, 'target'>,
  { phase, effectiveAt }: Pick<ExperimentStatus, 'phase' | 'effectiveAt'>,
): boolean {
  return phase === 'Pending' || (target.dynamic && phase === 'Running' && effectiveAt !== undefined);
}

/** Chooses what is to be hit by now, or injects what was chosen; undefined when there is neither. */
export function chooseMore(observation: Understood, end: number, now: number): Decision | undefined {
  const { spec, status, candidates, seed } = observation;
  const { targets } = status;
  const room = Math.max(0, MOST_TARGETS - targets.length);
  const more = selectMore(candidates, spec, { targets, seed: spec.target.seed ?? seed })
    .slice(0, room)
    .map(asTarget);
  // All of them, or one at each look, as far as policies go: what may not be hit by now may be later.
  const allowed = [more, more.slice(0, 1)].find((some) => some.length > 0 && mayBeHit(observation, some, now));
  if (allowed !== undefined) return { kind: 'advance', status: { ...status, targets: [...targets, ...allowed] } };
  const left = targets.filter(({ state }) => state === 'Selected');
  const next = left.length === 0 ? [] : nextInjections(left, observation);
  return next.length === 0 ? undefined : { kind: 'inject', targets: next, ttlMs: end - now + TTL_MARGIN_MS };
}

/** What was chosen and is not hit by the end. */
export function withLatecomers(status: ExperimentStatus): ExperimentStatus {
  const late = status.targets.filter(({ state }) => state === 'Selected');
  const missed = { state: 'Missed', message: 'not injected before the end' } as const;
  return late.length === 0 ? status : withTargets(status, new Map(late.map(({ uid }) => [uid, missed])));
}
