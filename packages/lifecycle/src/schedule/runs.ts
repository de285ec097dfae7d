/** The runs of a schedule: for when they are planned, when they begin, and which of them its windows do not let pass. Pure. */
import { isAlwaysOpen, SHOWN_RUNS, type ScheduleSpec } from '@chaosplane/api';
import { hashOf, seededRandom } from '@chaosplane/common/pure';
import { whyOutside } from '../policy/wall-clock.ts';
import { nextRun, runsAfter, type Planning } from './planned.ts';
import { dateAt } from './zone.ts';

/** A schedule, as far as its runs depend on it. */
export interface Planned {
  readonly spec: ScheduleSpec;
  readonly uid: string;
  /** When it was created; `@every` counts from there. Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** By which clock it goes. */
export function planningOf({ spec, createdAt }: Pick<Planned, 'spec' | 'createdAt'>): Planning {
  const { schedule, timeZone, dst } = spec;
  return { timetable: schedule.timetable, timeZone, dst, since: createdAt };
}

/**
 * How much later than planned a run begins: up to the jitter, and before the next one is planned, so that none overtakes another.
 * The same each time that it is asked for.
 */
export function delayOf(planned: Planned, scheduledFor: number): number {
  const { spec, uid } = planned;
  if (spec.jitter === 0) return 0;
  const next = nextRun(planningOf(planned), scheduledFor) ?? Infinity;
  // In front of the next one by as much as a clock tells.
  const most = Math.min(spec.jitter, next - scheduledFor - 1);
  return Math.floor(seededRandom(hashOf(`${uid} ${scheduledFor}`))() * most);
}

/** How long a run may take, in milliseconds: a workflow until its deadline, which one has wherever that matters. */
export function longestRun({ experiment, workflow }: ScheduleSpec): number {
  return experiment === undefined ? (workflow.deadline ?? 0) : experiment.duration;
}

/** Why no run may begin at an instant; undefined when one may. */
export function whyNotAt(spec: ScheduleSpec, begin: number): string | undefined {
  const { windows, freeze, timeZone } = spec;
  const end = begin + longestRun(spec);
  for (const { from, to, timeZone: own = timeZone } of freeze) {
    // Dates of this form are in the order of their texts.
    if (dateAt(own, begin) > to || dateAt(own, end - 1) < from) continue;
    return `it would run in the freeze from ${from} to ${to} ${own}`;
  }
  return whyOutside(windows, begin, end);
}

/** So many planned runs are looked at for those that are shown: windows may let none pass. */
const MOST_LOOKED_AT = 500;

/** Windows are compared minute by minute: so many minutes take a small part of a second. */
const MOST_MINUTES = 5000;

/** For when the next runs after an instant are planned, `count` at most, without those that windows and freezes do not let pass. */
export function comingRuns(planned: Planned, after: number, count = SHOWN_RUNS): number[] {
  const isOpen = isAlwaysOpen(planned.spec);
  const each = isOpen ? 0 : 1 + longestRun(planned.spec) / 60_000;
  const runs: number[] = [];
  let [looked, minutes] = [0, 0];
  for (const run of runsAfter(planningOf(planned), after)) {
    looked += 1;
    minutes += each;
    if (isOpen || whyNotAt(planned.spec, run + delayOf(planned, run)) === undefined) runs.push(run);
    if (runs.length >= count || looked >= MOST_LOOKED_AT || minutes >= MOST_MINUTES) break;
  }
  return runs;
}
