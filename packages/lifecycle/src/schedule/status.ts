/** The status of a schedule, as it follows from what is known. Pure. */
import { SHOWN_ACTIVE, type ScheduleCondition, type ScheduleStatus } from '@chaosplane/api';
import { countOf, defined } from '@chaosplane/common/pure';
import { isActive } from './history.ts';
import type { ChildRun, ScheduleObservation } from './observation.ts';
import { comingRuns } from './runs.ts';

/** The last instant whose run has begun or never will; later ones count. */
export function cursorOf({ countsFrom = 0, lastScheduleTime = 0, lastSkipped }: ScheduleStatus): number {
  return Math.max(countsFrom, lastScheduleTime, lastSkipped?.time ?? 0);
}

/** The status, with all that is known now. What it says of instants never goes back. */
export function noted(observation: ScheduleObservation, now: number): ScheduleStatus {
  const { status, children, generation, spec } = observation;
  const base: ScheduleStatus = {
    ...status,
    observedGeneration: generation,
    ...defined({ countsFrom: countsFrom(observation), lastScheduleTime: lastScheduleTime(observation, now) }),
    active: active(children),
    counts: {
      active: children.filter(isActive).length,
      succeeded: children.filter(({ state }) => state === 'succeeded').length,
      failed: children.filter(({ state }) => state === 'failed').length,
    },
    conditions: conditionsOf(observation),
  };
  const isIdle = spec === undefined || spec.suspend;
  const nextRuns = isIdle ? [] : comingRuns({ ...observation, spec }, cursorOf(base));
  const told = { ...base, nextRuns };
  return { ...told, message: messageOf(observation, told) };
}

/**
 * A run that was planned before its schedule was made, edited or resumed never begins. When that was, the object tells itself, so that
 * an operator that was away finds the same, and one that dies before it has noted it as well.
 */
function countsFrom({ status, generation, changedAt, createdAt }: ScheduleObservation): number {
  const known = Math.max(status.countsFrom ?? 0, createdAt);
  return status.observedGeneration === generation ? known : Math.max(known, changedAt);
}

/** A run that was made by an operator that died over it is there, and has begun. */
function lastScheduleTime({ status, children }: ScheduleObservation, now: number): number | undefined {
  const begun = children.map(({ scheduledFor }) => scheduledFor).filter((at) => at <= now);
  const latest = Math.max(status.lastScheduleTime ?? -Infinity, ...begun);
  return latest === -Infinity ? undefined : latest;
}

function active(children: readonly ChildRun[]): ScheduleStatus['active'] {
  return children
    .filter(isActive)
    .toSorted((one, other) => one.scheduledFor - other.scheduledFor || (one.uid < other.uid ? -1 : 1))
    .slice(0, SHOWN_ACTIVE)
    .map(({ kind, name, uid, scheduledFor }) => ({ kind, name, uid, scheduledFor }));
}

/** Always all of them, in the same order. */
function conditionsOf({ spec, broken = '' }: ScheduleObservation): readonly ScheduleCondition[] {
  const isSuspended = spec?.suspend === true;
  return [
    spec === undefined
      ? { type: 'Ready', status: 'False', reason: 'InvalidSpec', message: broken }
      : { type: 'Ready', status: 'True', reason: 'Scheduled', message: 'the spec is understood' },
    isSuspended
      ? { type: 'Suspended', status: 'True', reason: 'Suspended', message: 'no run begins while spec.suspend is true' }
      : { type: 'Suspended', status: 'False', reason: 'NotSuspended', message: 'spec.suspend is false' },
  ];
}

function messageOf({ spec }: ScheduleObservation, { nextRuns, counts }: ScheduleStatus): string {
  if (spec === undefined) return 'the spec is wrong: see the condition Ready';
  const now = counts.active === 0 ? '' : `; ${countOf(counts.active, 'run')} under way`;
  if (spec.suspend) return `suspended${now}`;
  return `${nextRuns.length === 0 ? 'no run is in sight that windows and freezes let pass' : 'scheduled'}${now}`;
}
