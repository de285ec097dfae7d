/** Days on which a schedule has no run, or more than on others, because clocks are changed. Pure. */
import { runsAfter, type Planning } from './planned.ts';
import { DAY_MS, dateAt, stretchesOf, wallAt } from './zone.ts';

/** Such a day. */
export interface UnevenDay {
  /** By the clocks there: `2027-03-28`. */
  readonly date: string;
  readonly runs: number;
  /** How many there would be if no clock were changed. */
  readonly usual: number;
}

const YEAR_MS = 366 * DAY_MS;

/** Those of the year after an instant. A timetable that has runs in every hour loses and gains one with its hour, and is not told. */
export function unevenDays(planning: Planning, after: number): readonly UnevenDay[] {
  const { timetable, timeZone } = planning;
  if (timetable.kind === 'every' || timetable.hours.length === 24) return [];
  const changes = stretchesOf(timeZone, after, after + YEAR_MS).slice(1);
  // A change at midnight is about the day before as well.
  const days = new Set(changes.flatMap(({ from }) => [dateAt(timeZone, from - 1), dateAt(timeZone, from)]));
  return [...days].flatMap((date) => {
    const midnight = Date.parse(`${date}T00:00:00Z`);
    const runs = count(planning, midnight);
    const usual = count({ ...planning, timeZone: 'UTC' }, midnight);
    return runs === usual ? [] : [{ date, runs, usual }];
  });
}

/** How many runs there are on a day, which is given by its midnight in UTC. */
function count(planning: Planning, midnight: number): number {
  let runs = 0;
  for (const at of runsAfter(planning, midnight - 2 * DAY_MS)) {
    const wall = wallAt(planning.timeZone, at);
    if (at > midnight + 3 * DAY_MS) break;
    if (wall >= midnight && wall < midnight + DAY_MS) runs += 1;
  }
  return runs;
}
