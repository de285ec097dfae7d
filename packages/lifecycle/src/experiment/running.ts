/** The phase Running, from the moment when the duration counts. */
import { withTargets, type ExperimentStatus, type TargetStatus } from '@chaosplane/api';
import { recovered } from './evidence.ts';
import { chooseMore, withLatecomers } from './dynamic.ts';
import { bringUp } from './injecting.ts';
import type { Decision, Understood } from './observation.ts';
import { LOOK_AGAIN_MS } from './timing.ts';

/** Injects; then notes executions that end early, until the duration is over. */
export function run(observation: Understood, now: number): Decision {
  const { effectiveAt } = observation.status;
  return effectiveAt === undefined ? bringUp(observation, now) : untilItsEnd(observation, effectiveAt, now);
}

function untilItsEnd(observation: Understood, effectiveAt: number, now: number): Decision {
  const { spec, status } = observation;
  const end = effectiveAt + spec.duration;
  const noted = noteEnded(observation, end, now);
  if (noted !== undefined) return { kind: 'advance', status: noted };
  const live =
    spec.target.dynamic || isWatched(observation) || status.targets.some(({ state }) => state === 'Injected');
  if (now >= end || !live) return { kind: 'advance', status: { ...withLatecomers(status), phase: 'Completing' } };
  const more = spec.target.dynamic ? chooseMore(observation, end, now) : undefined;
  if (more !== undefined) return more;
  return { kind: 'wait', until: Math.min(end, now + (observation.lookAgainMs ?? LOOK_AGAIN_MS)) };
}

/** What happens once is over at once; where samples are taken, what it does is watched for the whole duration. */
function isWatched({ spec, status }: Understood): boolean {
  const done = status.targets.some(({ state, endedEarly }) => state === 'Recovered' && endedEarly === undefined);
  return spec.steadyState.during.length > 0 && done;
}

/** Executions that ended by themselves: the pod is gone, the TTL or a lease ran out, a person cancelled them. */
function noteEnded({ status, executions }: Understood, end: number, now: number): ExperimentStatus | undefined {
  const ended = status.targets.flatMap((target): [string, Partial<TargetStatus>][] => {
    const execution = executions.get(target.executionId ?? '');
    if (target.state !== 'Injected' || execution?.live !== false) return [];
    // A one-shot action is done as soon as it has happened; and a deadline may pass unobserved, after the duration.
    const onTime = execution.endReason === 'done' || (execution.endReason === 'expired' && now >= end);
    const early = onTime ? {} : { endedEarly: execution.endReason ?? 'unknown' };
    return [[target.uid, { ...recovered(execution), ...early }]];
  });
  return ended.length === 0 ? undefined : withTargets(status, new Map(ended));
}
