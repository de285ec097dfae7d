/** What Kubernetes takes as the schedule of a CronJob, and what it means. */
import { describe, expect, test } from '@jest/globals';
import { parseCron } from './cron.ts';

const wrongOf = (text: string): string | undefined => {
  const parsed = parseCron(text);
  return parsed.ok ? undefined : parsed.wrong;
};

describe('it means the same as in a CronJob', () => {
  test.each([
    ['5/15 * * * *', '5-59/15 * * * *'],
    ['? ? ? ? ?', '* * * * *'],
    ['*-10 * * * *', '* * * * *'],
    ['*/70 * * * *', '0 * * * *'],
    ['0,,30 * * * *', '0,30 * * * *'],
    ['0, * * * *', '0 * * * *'],
    ['+5 * * * *', '5 * * * *'],
    ['0 0 * jan SUN-TUE', '0 0 * 1 0-2'],
    ['0 0 * * */1', '0 0 * * *'],
    ['  0   2 * * *  ', '0 2 * * *'],
    ['0\t2 * * *', '0 2 * * *'],
    ['@yearly', '0 0 1 1 *'],
    ['@annually', '@yearly'],
    ['@monthly', '0 0 1 * *'],
    ['@weekly', '0 0 * * 0'],
    ['@midnight', '@daily'],
    ['@hourly', '0 * * * *'],
    ['@every 1h30m', '@every 90m'],
    ['@every 10.9s', '@every 10s'],
  ])('%j as %j', (one, other) => {
    expect(parseCron(one).ok).toBe(true);
    expect(parseCron(one)).toEqual(parseCron(other));
  });

  test.each([
    ['0 0 1 * 1', true],
    ['0 0 */2 * 1', true],
    ['0 0 1-31 * 1', true],
    ['0 0 * * 1', false],
    ['0 0 1 * */1', false],
    ['0 0 1 * ?', false],
  ])('%j: a day of the month or of the week is enough: %j', (text, eitherDay) => {
    expect(parseCron(text)).toMatchObject({ ok: true, value: { eitherDay } });
  });
});

describe('it is refused', () => {
  test.each([
    ['', 'it has no fields in place of five'],
    ['5', 'it has one field in place of five'],
    ['* * * * * *', 'it has 6 fields in place of five'],
    [' @daily', 'it has one field in place of five'],
    ['TZ=UTC 0 2 * * *', 'a time zone has a field of its own, which is timeZone'],
    ['CRON_TZ=UTC 0 2 * * *', 'a time zone has a field of its own, which is timeZone'],
    ['0 0 * * 7', 'the day of the week "7" is above 6'],
    ['0 0 * * 5-7', 'the day of the week "5-7" is above 6'],
    ['0 22-2 * * *', 'the hour "22-2" ends before it begins'],
    ['0 0 0 * *', 'the day of the month "0" is below 1'],
    ['60 * * * *', 'the minute "60" is above 59'],
    ['*/0 * * * *', 'the minute "*/0" has a step of 0'],
    ['0/5/5 * * * *', 'the minute "0/5/5" has more than one step'],
    ['1-2-3 * * * *', 'the minute "1-2-3" has more than one hyphen'],
    ['-5 * * * *', 'the minute: "" is not a number'],
    ['0 0 L * *', 'the day of the month: "L" is not a number'],
    ['0 0 * * Sunday', 'the day of the week: "Sunday" is not a number nor one of sun, mon, tue, wed, thu, fri, sat'],
    ['H * * * *', 'the minute: "H" is not a number'],
    ['@reboot', '"@reboot" is no schedule'],
    ['@Daily', '"@Daily" is no schedule'],
    ['@every 1d', '"1d" is not a duration in hours, minutes and seconds'],
    ['@every  1h', '" 1h" is not a duration in hours, minutes and seconds'],
    ['@every -1h', 'every "-1h" is too often; the least is 10s'],
    ['@every 10ms', 'every "10ms" is too often; the least is 10s'],
    ['@every 100000h', 'every "100000h" is too seldom; the most is 87600h, which is ten years'],
    ['0 0 31 2 *', 'no day or time is like that, so it would never run'],
    ['0 0 31 4,6,9,11 *', 'no day or time is like that, so it would never run'],
    [', * * * *', 'no day or time is like that, so it would never run'],
  ])('%j: %s', (text, wrong) => {
    expect(wrongOf(text)).toBe(wrong);
  });

  test('a day that comes in some years alone is taken', () => {
    expect(wrongOf('0 0 29 2 *')).toBeUndefined();
    expect(wrongOf('0 0 31 2 1')).toBeUndefined();
  });
});
