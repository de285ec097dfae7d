/** What to do next with a schedule. Pure, deterministic and total. */
import { isEqual } from './equal.ts';
import { childName, type ScheduleSpec, type SkippedRun } from '@chaosplane/api';
import { countOf, formatDuration } from '@chaosplane/common/pure';
import { excessOf, isActive } from './history.ts';
import type { ChildRun, ScheduleDecision, ScheduleObservation } from './observation.ts';
import { newestRun, nextRun } from './planned.ts';
import { delayOf, planningOf, whyNotAt, type Planned } from './runs.ts';
import { cursorOf, noted } from './status.ts';

/** A schedule that is understood, and what is known of it. */
interface Understood extends ScheduleObservation {
  readonly spec: ScheduleSpec;
}

/** Decides. What was found is written down before anything builds on it; only a run is made before it is noted. */
export function decideSchedule(observation: ScheduleObservation, now: number): ScheduleDecision {
  const status = noted(observation, now);
  if (!isEqual(status, observation.status)) return { kind: 'report', status };
  const { spec } = observation;
  if (spec === undefined) return { kind: 'wait' };
  const excess = excessOf(observation.children, spec);
  if (excess.length > 0) return { kind: 'delete', children: excess };
  if (spec.suspend) return { kind: 'wait' };
  return next({ ...observation, spec }, now);
}

/** What becomes of the newest run that is planned by now; none but it begins. */
function next(observation: Understood, now: number): ScheduleDecision {
  const planning = planningOf(observation);
  const cursor = cursorOf(observation.status);
  const due = newestRun(planning, cursor, now);
  if (due === undefined) return waitFor(observation, nextRun(planning, Math.max(cursor, now)));
  // One note for all of them: looking for the newest costs the same for ten thousand.
  const missed = newestRun(planning, cursor, due - 1);
  if (missed !== undefined)
    return skip(observation, now, { time: missed, reason: 'it had not begun when a later run was due' });
  const begins = due + delayOf(observation, due);
  if (now < begins) return { kind: 'wait', until: begins };
  const deadlineAt = due + observation.spec.startingDeadlineSeconds * 1000;
  if (now > deadlineAt) {
    const deadline = formatDuration(observation.spec.startingDeadlineSeconds * 1000);
    return skip(observation, now, {
      time: due,
      reason: `it had not begun within its starting deadline of ${deadline}`,
    });
  }
  return begin(observation, { due, deadlineAt, now });
}

interface Due {
  readonly due: number;
  readonly deadlineAt: number;
  readonly now: number;
}

/** It may begin, unless something is against it. */
function begin(observation: Understood, at: Due): ScheduleDecision {
  const { name, spec, refused } = observation;
  const { due, now } = at;
  const against = refused?.scheduledFor === due ? refused.reason : whyNotAt(spec, now);
  if (against !== undefined) return skip(observation, now, { time: due, reason: against });
  return (
    mayStart(observation, at) ??
    makeRoom(observation, at) ?? {
      kind: 'create',
      run: {
        kind: spec.workflow === undefined ? 'ChaosExperiment' : 'ChaosWorkflow',
        name: childName(name, spec.schedule.timetable.kind, due),
        scheduledFor: due,
      },
    }
  );
}

/** Undefined when the probes of startWhen have passed, or there are none. */
function mayStart(observation: Understood, { due, now }: Due): ScheduleDecision | undefined {
  const { spec, asked } = observation;
  const { startWhen } = spec;
  if (startWhen === undefined) return undefined;
  const last = asked?.scheduledFor === due ? asked : undefined;
  if (last?.passed === true) return undefined;
  const until = due + startWhen.timeout;
  if (now < until) return { kind: 'ask', scheduledFor: due, until };
  const why = last === undefined ? '' : `: ${last.message}`;
  const reason = `startWhen did not pass within ${formatDuration(startWhen.timeout)}${why}`;
  return skip(observation, now, { time: due, reason });
}

/** Undefined when no earlier run is in the way. */
function makeRoom(observation: Understood, { due, deadlineAt, now }: Due): ScheduleDecision | undefined {
  const { spec, children } = observation;
  const active = children.filter(isActive);
  if (active.length === 0) return undefined;
  switch (spec.concurrencyPolicy) {
    case 'Allow':
      return undefined;
    case 'Forbid':
      return skip(observation, now, {
        time: due,
        reason: `${runs(active)} still under way, and concurrencyPolicy is Forbid`,
      });
    case 'Replace': {
      const running = active.filter(({ state, isDeleted }) => state === 'running' && !isDeleted);
      if (running.length > 0) return { kind: 'abort', children: running };
      const after = nextRun(planningOf(observation), due) ?? Infinity;
      return { kind: 'wait', until: Math.min(deadlineAt + 1, after) };
    }
  }
}

function runs(children: readonly ChildRun[]): string {
  const [first] = children;
  return children.length === 1 ? `the run ${first?.name} is` : `${countOf(children.length, 'run')} are`;
}

/** That run never begins. */
function skip(observation: Understood, now: number, skipped: SkippedRun): ScheduleDecision {
  const status = { ...observation.status, lastSkipped: skipped };
  return { kind: 'report', status: noted({ ...observation, status }, now), skipped };
}

/** Until a run begins. */
function waitFor(planned: Planned, run: number | undefined): ScheduleDecision {
  return run === undefined ? { kind: 'wait' } : { kind: 'wait', until: run + delayOf(planned, run) };
}
