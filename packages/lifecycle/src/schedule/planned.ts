/**
 * At which instants a schedule runs. A CronJob runs whenever a clock on the wall shows a time of its schedule: in the night in which
 * clocks go forward that may be never, and twice in the one in which they go back. What happens then is a choice here. Pure.
 */
import { hasDay, type Calendar, type DstRule, type Timetable } from '@chaosplane/api';
import { DAY_MS, stretchesOf, wallAt, type Stretch } from './zone.ts';

/** A timetable, and by which clock it goes. */
export interface Planning {
  readonly timetable: Timetable;
  /** A name of the IANA time zone database. */
  readonly timeZone: string;
  /** What happens when clocks change. */
  readonly dst: DstRule;
  /** Where `@every` counts from, in milliseconds since the epoch. */
  readonly since: number;
}

/** 29 February is eight years away from the next one where a century is between them. */
const LONGEST_WAIT_DAYS = 9 * 366;

/** All runs after an instant, in order. Instants are milliseconds since the epoch. */
export function* runsAfter(planning: Planning, after: number): Iterable<number> {
  const { timetable, since } = planning;
  if (timetable.kind === 'every') {
    const { ms } = timetable;
    for (let run = since + (Math.floor(Math.max(0, after - since) / ms) + 1) * ms; ; run += ms) yield run;
  }
  // A time that does not exist in a day may run in the next one.
  let day = dayOf(planning, after) - DAY_MS;
  let open = runsOn(planning, timetable, day);
  for (let last = day; day - last <= LONGEST_WAIT_DAYS * DAY_MS; day += DAY_MS) {
    // Where clocks go back over midnight, some of the next day come before the last of this one.
    const next = runsOn(planning, timetable, day + DAY_MS);
    const bound = Math.min(...next);
    const runs = new Set(open.filter((run) => run > after && run < bound));
    if (open.length > 0) last = day;
    yield* [...runs].toSorted((one, other) => one - other);
    open = [...open.filter((run) => run >= bound), ...next];
  }
}

/** The first run after an instant; undefined where there is none. */
export function nextRun(planning: Planning, after: number): number | undefined {
  return nextRuns(planning, after, 1)[0];
}

/** The next runs, `count` at most. */
export function nextRuns(planning: Planning, after: number, count: number): number[] {
  const runs: number[] = [];
  for (const run of runsAfter(planning, after)) if (runs.push(run) >= count) break;
  return runs;
}

/** The last run that is after `after` and not after `until`, however many there are; undefined where there is none. */
export function newestRun(planning: Planning, after: number, until: number): number | undefined {
  const { timetable, since } = planning;
  if (timetable.kind === 'every') {
    const newest = since + Math.floor((until - since) / timetable.ms) * timetable.ms;
    return newest > after && newest > since ? newest : undefined;
  }
  const last = dayOf(planning, after) - DAY_MS;
  for (let day = dayOf(planning, until) + DAY_MS; day >= last; day -= DAY_MS) {
    const runs = runsOn(planning, timetable, day).filter((run) => run <= until);
    if (runs.length === 0) continue;
    const earlier = runsOn(planning, timetable, day - DAY_MS).filter((run) => run <= until);
    const newest = Math.max(...runs, ...earlier);
    return newest > after ? newest : undefined;
  }
  return undefined;
}

/** The day that clocks there show at an instant, as its midnight in UTC. */
function dayOf({ timeZone }: Planning, at: number): number {
  return Math.floor(wallAt(timeZone, at) / DAY_MS) * DAY_MS;
}

/** Clocks are up to 14 hours ahead of UTC, and up to 12 behind it. */
const AHEAD_MS = 15 * 3600_000;
const BEHIND_MS = 13 * 3600_000;

/** The runs of one day by the clocks there, in no order; `day` is its midnight in UTC. */
function runsOn({ timeZone, dst }: Planning, calendar: Calendar, day: number): number[] {
  const date = new Date(day);
  const month = date.getUTCMonth() + 1;
  if (!hasDay(calendar, { month, day: date.getUTCDate(), weekday: date.getUTCDay() })) return [];
  const stretches = stretchesOf(timeZone, day - AHEAD_MS, day + DAY_MS + BEHIND_MS);
  const runs = calendar.hours.flatMap((hour) =>
    calendar.minutes.flatMap((minute) => {
      const wall = day + hour * 3600_000 + minute * 60_000;
      return runsAt(stretches, { wall, day, dst, everyHour: calendar.hours.length === 24 });
    }),
  );
  return runs;
}

interface Entry {
  /** What clocks show, as UTC. */
  readonly wall: number;
  /** The midnight before it. */
  readonly day: number;
  readonly dst: DstRule;
  /** Such an entry stands for a time that passes, not for a time of the day: so it loses and doubles nothing. */
  readonly everyHour: boolean;
}

/** When clocks show a time: once; twice where they go back over it; never where they go forward over it. */
function runsAt(stretches: readonly Stretch[], { wall, day, dst, everyHour }: Entry): number[] {
  const shown = stretches.flatMap(({ from, until, offset }) => {
    const at = wall - offset;
    return at >= from && at < until ? [at] : [];
  });
  if (shown.length > 1) return dst === 'kubernetes' || everyHour ? shown : shown.slice(0, 1);
  if (shown.length === 1 || dst !== 'shift' || everyHour) return shown;
  const end = gapEnd(stretches, wall, day);
  return end === undefined ? [] : [end];
}

/** The end of the gap that a time is in; undefined where the whole day is in it, and so is none. */
function gapEnd(stretches: readonly Stretch[], wall: number, day: number): number | undefined {
  for (const [index, { from, offset }] of stretches.entries()) {
    const before = stretches[index - 1];
    if (before === undefined) continue;
    const [begin, end] = [before.until + before.offset, from + offset];
    if (wall < begin || wall >= end) continue;
    return begin <= day && end >= day + DAY_MS ? undefined : from;
  }
  return undefined;
}
