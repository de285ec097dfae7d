/** When experiments may run: also on the days on which clocks change, and around midnight. */
import { describe, expect, test } from '@jest/globals';
import { said } from '../../../test/policies.ts';

const HOUR = 3600_000;
const night = { from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' };
const office = { days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], from: '09:00', to: '17:00', timeZone: 'Europe/Berlin' };

type Row = readonly [what: string, timeWindows: object, at: string, duration: number, expected: string | undefined];

const OUT = 'is in no allowed time: Mon, Tue, Wed, Thu, Fri 09:00 to 17:00 Europe/Berlin';
const IN = 'is in the blocked time 22:00 to 06:00 Europe/Berlin';

const starts: readonly Row[] = [
  ['in an allowed time', { allowed: [office] }, '2026-11-30T09:00:00+01:00', HOUR, undefined],
  [
    'a minute before it',
    { allowed: [office] },
    '2026-11-30T08:59:59+01:00',
    HOUR,
    `now (Mon 08:59 Europe/Berlin) ${OUT}`,
  ],
  ['on another day', { allowed: [office] }, '2026-11-29T10:00:00+01:00', HOUR, `now (Sun 10:00 Europe/Berlin) ${OUT}`],
  ['until its end', { allowed: [office] }, '2026-11-30T16:00:00+01:00', HOUR, undefined],
  [
    'beyond its end',
    { allowed: [office] },
    '2026-11-30T16:00:01+01:00',
    HOUR,
    `it would still run at Mon 17:00 Europe/Berlin, which ${OUT}`,
  ],
  [
    'from one allowed time into the next',
    { allowed: [office, { from: '17:00', to: '18:00', timeZone: 'Europe/Berlin' }] },
    '2026-11-30T16:30:00+01:00',
    HOUR,
    undefined,
  ],
  ['in a blocked time', { blocked: [night] }, '2026-11-30T23:00:00+01:00', HOUR, `now (Mon 23:00 Europe/Berlin) ${IN}`],
  [
    'after midnight in it',
    { blocked: [night] },
    '2026-12-01T05:59:00+01:00',
    HOUR,
    `now (Tue 05:59 Europe/Berlin) ${IN}`,
  ],
  ['when it ends', { blocked: [night] }, '2026-12-01T06:00:00+01:00', HOUR, undefined],
  [
    'into a blocked time',
    { blocked: [night] },
    '2026-11-30T21:30:00+01:00',
    HOUR,
    `it would still run at Mon 22:00 Europe/Berlin, which ${IN}`,
  ],
  ['until it begins', { blocked: [night] }, '2026-11-30T21:00:00+01:00', HOUR, undefined],
  [
    'over all of a short blocked time',
    { blocked: [{ from: '12:30', to: '12:31' }] },
    '2026-11-30T12:00:00Z',
    HOUR,
    'it would still run at Mon 12:30 UTC, which is in the blocked time 12:30 to 12:31 UTC',
  ],
  [
    'the days are those on which it begins',
    { blocked: [{ ...night, days: ['Fri'] }] },
    '2026-12-05T03:00:00+01:00',
    HOUR,
    'now (Sat 03:00 Europe/Berlin) is in the blocked time Fri 22:00 to 06:00 Europe/Berlin',
  ],
  ['not on others', { blocked: [{ ...night, days: ['Fri'] }] }, '2026-12-04T03:00:00+01:00', HOUR, undefined],
  [
    'what is blocked and allowed is blocked',
    { allowed: [{}], blocked: [night] },
    '2026-12-01T01:00:00+01:00',
    HOUR,
    `now (Tue 01:00 Europe/Berlin) ${IN}`,
  ],
  [
    'on a whole day',
    { blocked: [{ days: ['Tue'] }] },
    '2026-12-01T23:59:00Z',
    1,
    'now (Tue 23:59 UTC) is in the blocked time Tue 00:00 to 24:00 UTC',
  ],
];

/** In Berlin, 02:00 to 03:00 does not exist on 28 March 2027, and is there twice on 31 October 2027. */
const gap = { from: '02:00', to: '03:00', timeZone: 'Europe/Berlin' };
const clocksChange: readonly Row[] = [
  ['a time that does not exist blocks nothing', { blocked: [gap] }, '2027-03-28T01:30:00+01:00', HOUR, undefined],
  [
    'what begins in it begins after it',
    { blocked: [{ ...gap, from: '02:30', to: '03:30' }] },
    '2027-03-28T03:00:00+02:00',
    1,
    'now (Sun 03:00 Europe/Berlin) is in the blocked time 02:30 to 03:30 Europe/Berlin',
  ],
  [
    'a doubled time blocks the first time',
    { blocked: [gap] },
    '2027-10-31T02:30:00+02:00',
    1,
    'now (Sun 02:30 Europe/Berlin) is in the blocked time 02:00 to 03:00 Europe/Berlin',
  ],
  [
    'and the second',
    { blocked: [gap] },
    '2027-10-31T02:30:00+01:00',
    1,
    'now (Sun 02:30 Europe/Berlin) is in the blocked time 02:00 to 03:00 Europe/Berlin',
  ],
  ['a night is an hour longer then', { allowed: [night] }, '2027-10-30T22:00:00+02:00', 9 * HOUR, undefined],
  [
    'but no longer',
    { allowed: [night] },
    '2027-10-30T22:00:00+02:00',
    9 * HOUR + 1,
    'it would still run at Sun 06:00 Europe/Berlin, which is in no allowed time: 22:00 to 06:00 Europe/Berlin',
  ],
  ['and an hour shorter in spring', { allowed: [night] }, '2027-03-27T22:00:00+01:00', 7 * HOUR, undefined],
  [
    'no longer than that',
    { allowed: [night] },
    '2027-03-27T22:00:00+01:00',
    7 * HOUR + 1,
    'it would still run at Sun 06:00 Europe/Berlin, which is in no allowed time: 22:00 to 06:00 Europe/Berlin',
  ],
  [
    'half an hour on Lord Howe Island',
    { blocked: [{ from: '01:45', to: '01:50', timeZone: 'Australia/Lord_Howe' }] },
    '2027-04-03T15:16:00Z',
    1,
    'now (Sun 01:46 Australia/Lord_Howe) is in the blocked time 01:45 to 01:50 Australia/Lord_Howe',
  ],
];

describe('an experiment that wants to begin', () => {
  test.each([...starts, ...clocksChange])('%s', (_what, timeWindows, at, duration, expected) => {
    const told = expected === undefined ? [] : [`timeWindows: ${expected}`];
    expect(said({ timeWindows }, { duration }, {}, Date.parse(at))).toEqual(told);
  });
});

test('one that is under way ends when the time for it does, and not before', () => {
  const at = (time: string) =>
    said({ timeWindows: { allowed: [office] } }, { begins: false, duration: 8 * HOUR }, {}, Date.parse(time));
  expect(at('2026-11-30T16:59:59+01:00')).toEqual([]);
  expect(at('2026-11-30T17:00:00+01:00')).toEqual([`timeWindows: now (Mon 17:00 Europe/Berlin) ${OUT}`]);
});
