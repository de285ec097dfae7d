/** Days with another number of runs, because clocks change. */
import { expect, test } from '@jest/globals';
import { parseCron, type DstRule } from '@chaosplane/api';
import { unevenDays } from './uneven.ts';

function daysOf(cron: string, dst: DstRule, timeZone = 'Europe/Berlin'): string[] {
  const parsed = parseCron(cron);
  if (!parsed.ok) throw new Error(parsed.wrong);
  const planning = { timetable: parsed.value, timeZone, dst, since: 0 };
  return unevenDays(planning, Date.parse('2026-12-01T00:00Z')).map(
    ({ date, runs, usual }) => `${date}: ${runs}/${usual}`,
  );
}

test.each<[cron: string, dst: DstRule, days: string[]]>([
  ['30 2 * * *', 'kubernetes', ['2027-03-28: 0/1', '2027-10-31: 2/1']],
  ['30 2 * * *', 'skip', ['2027-03-28: 0/1']],
  ['30 2 * * *', 'shift', []],
  ['0 12 * * *', 'kubernetes', []],
  ['0 * * * *', 'kubernetes', []],
  ['@every 10s', 'kubernetes', []],
  ['30 2 * * 1', 'kubernetes', []],
  ['*/30 2 * * *', 'kubernetes', ['2027-03-28: 0/2', '2027-10-31: 4/2']],
])('%s with %s', (cron, dst, days) => {
  expect(daysOf(cron, dst)).toEqual(days);
});

test('a midnight that does not exist is of the day after it', () => {
  expect(daysOf('0 0 * * *', 'kubernetes', 'Africa/Cairo')).toEqual(['2027-04-30: 0/1']);
});

test('where clocks never change there are none', () => {
  expect(daysOf('30 2 * * *', 'kubernetes', 'Asia/Kolkata')).toEqual([]);
});
