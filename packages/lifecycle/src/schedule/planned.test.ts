/** When schedules run, and what the nights do to them in which clocks change. */
import { describe, expect, test } from '@jest/globals';
import { dstRules, parseCron, type DstRule } from '@chaosplane/api';
import { newestRun, nextRun, nextRuns, type Planning } from './planned.ts';
import { DAY_MS, wallAt } from './zone.ts';

function planning(cron: string, timeZone = 'UTC', dst: DstRule = 'shift'): Planning {
  const parsed = parseCron(cron);
  if (!parsed.ok) throw new Error(parsed.wrong);
  return { timetable: parsed.value, timeZone, dst, since: 0 };
}

/** The runs of a day of 2027, by what clocks in UTC show. */
function runsOf(plan: Planning, date: string): string[] {
  const from = Date.parse(`${date}T00:00:00Z`) - 14 * 3600_000;
  return nextRuns(plan, from - 1, 400)
    .filter((at) => new Date(wallAt(plan.timeZone, at)).toISOString().startsWith(date))
    .map((at) => new Date(at).toISOString().slice(11, 16));
}

const SPRING = '2027-03-28';
const AUTUMN = '2027-10-31';

describe('in Berlin, where 02:00 becomes 03:00 on 28 March, and 03:00 becomes 02:00 on 31 October', () => {
  test.each([
    ['30 2 * * *', SPRING, { shift: ['01:00'], skip: [], kubernetes: [] }],
    ['30 2 * * *', AUTUMN, { shift: ['00:30'], skip: ['00:30'], kubernetes: ['00:30', '01:30'] }],
    ['0 2 * * *', SPRING, { shift: ['01:00'], skip: [], kubernetes: [] }],
    ['0 3 * * *', SPRING, { shift: ['01:00'], skip: ['01:00'], kubernetes: ['01:00'] }],
    ['0 3 * * *', AUTUMN, { shift: ['02:00'], skip: ['02:00'], kubernetes: ['02:00'] }],
    ['0,30 2,3 * * *', SPRING, { shift: ['01:00', '01:30'], skip: ['01:00', '01:30'], kubernetes: ['01:00', '01:30'] }],
    ['*/30 2 * * *', AUTUMN, { shift: ['00:00', '00:30'], kubernetes: ['00:00', '00:30', '01:00', '01:30'] }],
  ] as const)('%s on %s', (cron, date, expected) => {
    for (const [dst, runs] of Object.entries(expected)) {
      expect([dst, runsOf(planning(cron, 'Europe/Berlin', dst as DstRule), date)]).toEqual([dst, runs]);
    }
  });

  test.each(dstRules)('an entry for every hour goes by the time that passes: 23 and 25 runs (%s)', (dst) => {
    expect(runsOf(planning('0 * * * *', 'Europe/Berlin', dst), SPRING)).toHaveLength(23);
    expect(runsOf(planning('0 * * * *', 'Europe/Berlin', dst), AUTUMN)).toHaveLength(25);
  });
});

test.each([
  ['Africa/Cairo', '2027-04-30', '2027-04-29T22:00'],
  ['America/Santiago', '2027-09-05', '2027-09-05T04:00'],
])('in %s midnight does not exist on %s: a daily run comes when the day begins', (timeZone, date, run) => {
  expect(
    new Date(nextRun(planning('0 0 * * *', timeZone), Date.parse(`${date}T00:00Z`) - 6 * 3600_000)!).toISOString(),
  ).toBe(`${run}:00.000Z`);
  expect(runsOf(planning('0 0 * * *', timeZone), date)).toHaveLength(1);
  expect(runsOf(planning('0 0 * * *', timeZone, 'kubernetes'), date)).toEqual([]);
});

test('a day that does not exist has no run', () => {
  const apia = planning('30 2 * * *', 'Pacific/Apia');
  expect(
    nextRuns(apia, Date.parse('2011-12-29T00:00Z'), 3).map((at) => new Date(wallAt('Pacific/Apia', at)).getUTCDate()),
  ).toEqual([29, 31, 1]);
});

test('in every time zone, a daily entry has one run on each local day around each change of two years', () => {
  for (const timeZone of Intl.supportedValuesOf('timeZone')) {
    for (const night of nights(timeZone, Date.parse('2026-12-01T12:00Z'), Date.parse('2028-12-01T12:00Z'))) {
      for (const cron of ['0 0 * * *', '30 2 * * *', '15 1 * * *']) {
        const runs = nextRuns(planning(cron, timeZone), night - 2 * DAY_MS, 4);
        const days = runs.map((at) => Math.floor(wallAt(timeZone, at) / DAY_MS));
        expect([timeZone, cron, days.map((day) => day - days[0]!)]).toEqual([timeZone, cron, [0, 1, 2, 3]]);
      }
    }
  }
});

/** Instants less than a day before those at which a zone changes its clocks. */
function* nights(timeZone: string, from: number, until: number): Iterable<number> {
  const offset = (at: number): number => wallAt(timeZone, at) - at;
  const stepDays = 10;
  for (let at = from; at < until; at += stepDays * DAY_MS) {
    if (offset(at) === offset(at + stepDays * DAY_MS)) continue;
    for (let day = at; day < at + stepDays * DAY_MS; day += DAY_MS) if (offset(day) !== offset(day + DAY_MS)) yield day;
  }
}

describe('the newest run that was missed', () => {
  test.each([
    ['0 8,9 * * *', '2027-01-05T20:30Z', '2027-01-05T09:00:00.000Z'],
    ['*/30 2 * * *', '2027-01-05T12:00Z', '2027-01-05T02:30:00.000Z'],
    ['0 0 1,2 * *', '2027-01-20T00:00Z', '2027-01-02T00:00:00.000Z'],
    ['0 6-16/4 * * 1-5', '2027-01-10T12:00Z', '2027-01-08T14:00:00.000Z'],
    ['0 0 29 2 *', '2027-01-10T12:00Z', '2024-02-29T00:00:00.000Z'],
  ])('%s at %s', (cron, until, run) => {
    const newest = newestRun(planning(cron), Date.parse('2020-01-01T00:00Z'), Date.parse(until));
    expect(new Date(newest!).toISOString()).toBe(run);
    expect(newestRun(planning(cron), newest!, Date.parse(until))).toBeUndefined();
    expect(newestRun(planning(cron), newest! - 1, newest!)).toBe(newest);
  });

  test.each(['7 * * * *', '30 2 * * *', '*/20 1-3 * * 0,6', '0 0 31 * 1', '@every 25h'])(
    'is the last of all that are enumerated: %s',
    (cron) => {
      for (const timeZone of ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/Santiago']) {
        for (const dst of dstRules) {
          const plan = planning(cron, timeZone, dst);
          const runs = nextRuns(plan, Date.parse('2027-03-20T00:00Z'), 300);
          expect(runs).toEqual(runs.toSorted((one, other) => one - other));
          for (const [index, run] of runs.slice(1).entries()) {
            expect(newestRun(plan, runs[0]! - 1, run - 1)).toBe(runs[index]);
          }
        }
      }
    },
    60_000,
  );
});

test('@every counts from its beginning, however much was missed', () => {
  const plan = { ...planning('@every 90s'), since: 1000 };
  expect(nextRuns(plan, 1000, 2)).toEqual([91_000, 181_000]);
  expect(nextRun(plan, 0)).toBe(91_000);
  expect(newestRun(plan, 1000, 90_999)).toBeUndefined();
  expect(newestRun(plan, 1000, 1e12)).toBe(1000 + Math.floor((1e12 - 1000) / 90_000) * 90_000);
});
