/** Times of the week in a time zone: their schema. */
import { quoted } from '@chaosplane/common/pure';
import * as z from 'zod';
import { closed } from '../shared/schema.ts';
import { timeZone } from '../shared/time-zone.ts';

/** The days of a week, as `Intl.DateTimeFormat` with `weekday: 'short'` names them in English; the first is that of `Date.getUTCDay() === 0`. */
export const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** One of them. */
export type Weekday = (typeof weekdays)[number];

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;
const CLOCK_ALLOWED = 'hours and minutes in quotes, from 00:00 to 24:00, such as "09:30"';

/** Minutes since midnight, by the clock on the wall. */
const timeOfDay = z.string().transform((text, context) => {
  const [, hours, minutes] = CLOCK.exec(text) ?? [];
  if (hours !== undefined && minutes !== undefined) return Number(hours) * 60 + Number(minutes);
  if (text === '24:00') return 1440;
  context.addIssue({ code: 'custom', message: `${quoted(text)} is not a time`, params: { allowed: CLOCK_ALLOWED } });
  return z.NEVER;
});

/** One window. A `to` that is not after `from` is of the next day; the days are those on which it begins. */
export const timeWindow = closed({
  days: z.array(z.enum(weekdays)).min(1).max(7).optional().describe('On which days it begins. Default: every day.'),
  from: timeOfDay.prefault('00:00').describe('When it begins, by the clock on the wall: "09:00".'),
  to: timeOfDay.prefault('24:00').describe('When it ends: "17:30", at most "24:00". Not after from: on the next day.'),
  timeZone: timeZone.prefault('UTC').describe('Whose clock that is: Europe/Berlin.'),
}).superRefine(({ from, to }, context) => {
  const allowed = 'two times; from 00:00 to 24:00 is the whole day';
  if (from === to)
    context.addIssue({ code: 'custom', path: ['to'], message: 'it is no time at all', params: { allowed } });
  if (from === 1440)
    context.addIssue({ code: 'custom', path: ['from'], message: 'a day has ended then', params: { allowed: '00:00' } });
});

/** A window: times are minutes since midnight. */
export type TimeWindow = z.output<typeof timeWindow>;
