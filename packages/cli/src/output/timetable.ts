/** When the runs of a schedule are planned, for people and for programs. */
import { findAction } from '@chaosplane/actions';
import type { ChaosSchedule, ScheduleSpec } from '@chaosplane/api';
import { countOf, type Clock } from '@chaosplane/common';
import { comingRuns, graphOf, planningOf, unevenDays, zonedText, type UnevenDay } from '@chaosplane/lifecycle';

/** What is told of a schedule. */
export interface Timetable {
  readonly schedule: string;
  readonly timeZone: string;
  readonly nextRuns: readonly string[];
  /** Days of the coming year with no run or more than usual, because clocks change. */
  readonly unevenDays: readonly UnevenDay[];
}

/** A schedule that is not there yet counts as one that is created now. */
export function timetableOf({ metadata, spec }: ChaosSchedule, now: number): Timetable {
  const planned = { spec, uid: '', createdAt: now };
  return {
    schedule: metadata.name,
    timeZone: spec.timeZone,
    nextRuns: comingRuns(planned, now).map((at) => zonedText(spec.timeZone, at)),
    unevenDays: unevenDays(planningOf(planned), now),
  };
}

/** Prints it, as a line of JSON for programs. */
export function tellTimetable(
  schedule: ChaosSchedule,
  { output }: { readonly output: 'text' | 'json' },
  { out, clock }: { readonly out: NodeJS.WritableStream; readonly clock: Clock },
): void {
  const now = clock.now();
  const told = timetableOf(schedule, now);
  const line = { type: 'schedule', at: new Date(now).toISOString(), ...told };
  out.write(`${output === 'json' ? JSON.stringify(line) : timetableText(schedule, told)}\n`);
}

const INDENT = '  ';

/** The next runs, and a warning for each day that has none or more than usual. */
export function timetableText({ metadata, spec }: ChaosSchedule, { nextRuns, unevenDays: days }: Timetable): string {
  const isEvery = spec.schedule.timetable.kind === 'every';
  const none = [`${INDENT}none that its windows and freezes let pass`];
  return [
    `Schedule ${metadata.name}: ${whatOf(spec)} at "${spec.schedule.text}", ${spec.timeZone}${spec.suspend ? ', suspended' : ''}`,
    isEvery ? 'Its next runs, if it were created now:' : 'Its next runs:',
    ...(nextRuns.length === 0 ? none : nextRuns.map((at) => `${INDENT}${at}`)),
    ...days.map(
      ({ date, runs, usual }) =>
        `warning: on ${date}, when clocks change, it has ${runs === 0 ? 'no run' : countOf(runs, 'run')} in place of ${usual} (dst: ${spec.dst})`,
    ),
  ].join('\n');
}

/** What each run is. */
function whatOf({ experiment, workflow }: ScheduleSpec): string {
  if (experiment !== undefined) return findAction(experiment.action.type).name;
  return `a workflow of ${countOf(graphOf(workflow.steps, workflow.onExit).nodes.size, 'step')}`;
}
