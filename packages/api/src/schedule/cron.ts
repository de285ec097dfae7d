/**
 * The grammar of a CronJob's schedule, which is that of `ParseStandard` of robfig/cron 3.0.1 without its time zones. What it accepts
 * and what never comes is refused here as well.
 * https://github.com/robfig/cron/blob/v3.0.1/parser.go
 * https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
 */
import { quoted } from '@chaosplane/common/pure';

/** When something is to happen by the clock on a wall. */
export interface Calendar {
  readonly kind: 'calendar';
  /** Of an hour: 0 to 59, in order; the same way below. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** Of a month: 1 to 31. */
  readonly days: ReadonlySet<number>;
  /** 1 to 12. */
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** A day must be of the month's *or* of the week's: where both fields say which. */
  readonly eitherDay: boolean;
}

/** Again and again after the same time; no clock on a wall matters. */
export interface Every {
  readonly kind: 'every';
  /** Whole seconds. */
  readonly ms: number;
}

export type Timetable = Calendar | Every;

/** A timetable, or what is wrong with the text. */
export type Parsed = { readonly ok: true; readonly value: Timetable } | { readonly ok: false; readonly wrong: string };

/** Refused in words that say which part of the text it is about. */
class Wrong extends Error {}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly words?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] as const;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const MINUTE: Field = { name: 'the minute', least: 0, most: 59 };
const HOUR: Field = { name: 'the hour', least: 0, most: 23 };
const DAY: Field = { name: 'the day of the month', least: 1, most: 31 };
const MONTH: Field = { name: 'the month', least: 1, most: 12, words: MONTHS };
const WEEKDAY: Field = { name: 'the day of the week', least: 0, most: 6, words: DAYS };

const NAMED: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/** What may be written, for messages. */
export const CRON_ALLOWED =
  'five fields (minute, hour, day of the month, month, day of the week) such as "30 2 * * 1-5", ' +
  `one of ${[...NAMED.keys()].join(', ')}, or "@every 1h30m"`;

/** The shortest `@every` that is taken: a CronJob's controller wakes up once in ten seconds, too. */
const LEAST_EVERY_MS = 10_000;

/** Reads a schedule. */
export function parseCron(text: string): Parsed {
  try {
    return { ok: true, value: timetableOf(text) };
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, wrong: error.message };
    throw error;
  }
}

function timetableOf(text: string): Timetable {
  if (text.includes('TZ')) throw new Wrong('a time zone has a field of its own, which is timeZone');
  const every = /^@every (.*)$/s.exec(text)?.[1];
  if (every !== undefined) return { kind: 'every', ms: everyOf(every) };
  if (text.startsWith('@') && !NAMED.has(text)) throw new Wrong(`${quoted(text)} is no schedule`);
  const fields = (NAMED.get(text) ?? text).split(/\s+/).filter((field) => field !== '');
  const [minute, hour, day, month, weekday] = fields;
  if (fields.length !== 5 || minute === undefined || hour === undefined) throw new Wrong(`it has ${count(fields)}`);
  if (day === undefined || month === undefined || weekday === undefined) throw new Wrong(`it has ${count(fields)}`);
  const [minutes, hours] = [valuesOf(minute, MINUTE), valuesOf(hour, HOUR)];
  const [days, months, ofWeek] = [valuesOf(day, DAY), valuesOf(month, MONTH), valuesOf(weekday, WEEKDAY)];
  const calendar: Calendar = {
    kind: 'calendar',
    minutes: inOrder(minutes.values),
    hours: inOrder(hours.values),
    days: days.values,
    months: months.values,
    weekdays: ofWeek.values,
    eitherDay: !days.any && !ofWeek.any,
  };
  if (!everComes(calendar)) throw new Wrong('no day or time is like that, so it would never run');
  return calendar;
}

const count = (fields: readonly string[]): string =>
  `${fields.length === 0 ? 'no fields' : fields.length === 1 ? 'one field' : `${fields.length} fields`} in place of five`;

const inOrder = (values: ReadonlySet<number>): number[] => [...values].sort((one, other) => one - other);

/** A field's values, and whether it stands for any value, as `*` and `?` do without a step. */
interface Values {
  readonly values: ReadonlySet<number>;
  readonly any: boolean;
}

function valuesOf(text: string, field: Field): Values {
  const parts = text.split(',').filter((part) => part !== '');
  const ranges = parts.map((part) => rangeOf(part, field));
  return {
    values: new Set(ranges.flatMap(({ from, to, step }) => stepped(from, to, step))),
    any: ranges.some(({ any }) => any),
  };
}

function* steps(from: number, to: number, step: number): Iterable<number> {
  for (let value = from; value <= to; value += step) yield value;
}

const stepped = (from: number, to: number, step: number): number[] => [...steps(from, to, step)];

interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly any: boolean;
}

function rangeOf(text: string, field: Field): Range {
  const [span = '', stepText, ...tooMany] = text.split('/');
  if (tooMany.length > 0) throw new Wrong(`${field.name} ${quoted(text)} has more than one step`);
  const [low = '', high, ...more] = span.split('-');
  const step = stepText === undefined ? 1 : numberOf(stepText, field);
  if (step === 0) throw new Wrong(`${field.name} ${quoted(text)} has a step of 0`);
  // What follows `*-` is not looked at: so it is there, too.
  if (low === '*' || low === '?') return { from: field.least, to: field.most, step, any: step === 1 };
  if (more.length > 0) throw new Wrong(`${field.name} ${quoted(text)} has more than one hyphen`);
  const from = valueOf(low, field);
  const last = stepText === undefined ? from : field.most;
  const to = high === undefined ? last : valueOf(high, field);
  if (from < field.least) throw new Wrong(`${field.name} ${quoted(text)} is below ${field.least}`);
  if (from > field.most || to > field.most) throw new Wrong(`${field.name} ${quoted(text)} is above ${field.most}`);
  if (from > to) throw new Wrong(`${field.name} ${quoted(text)} ends before it begins`);
  return { from, to, step, any: false };
}

function valueOf(text: string, field: Field): number {
  const at = field.words?.indexOf(text.toLowerCase()) ?? -1;
  return at < 0 ? numberOf(text, field) : at + field.least;
}

function numberOf(text: string, { name, words }: Field): number {
  if (/^\+?\d{1,9}$/.test(text)) return Number(text);
  const named = words === undefined ? '' : ` nor one of ${words.join(', ')}`;
  throw new Wrong(`${name}: ${quoted(text)} is not a number${named}`);
}

/** Milliseconds of each unit that Go's durations have. https://pkg.go.dev/time#ParseDuration */
const UNITS: ReadonlyMap<string, number> = new Map([
  ...(['us', 'µs', 'μs'] as const).map((unit) => [unit, 1e-3] as const),
  ...([
    ['ns', 1e-6],
    ['ms', 1],
    ['s', 1000],
    ['m', 60_000],
    ['h', 3600_000],
  ] as const),
]);

/** Go's duration, without what is less than a second, as robfig/cron cuts it. */
function everyOf(text: string): number {
  if (!/^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) {
    throw new Wrong(`${quoted(text)} is not a duration in hours, minutes and seconds`);
  }
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)([a-zµμ]+)/g)];
  const sum = parts.reduce((ms, [, number, unit = '']) => ms + Number(number) * (UNITS.get(unit) ?? Number.NaN), 0);
  const ms = text.startsWith('-') ? -sum : sum;
  if (ms < LEAST_EVERY_MS) throw new Wrong(`every ${quoted(text)} is too often; the least is 10s`);
  if (ms > MOST_EVERY_MS)
    throw new Wrong(`every ${quoted(text)} is too seldom; the most is 87600h, which is ten years`);
  return Math.floor(ms / 1000) * 1000;
}

const MOST_EVERY_MS = 87_600 * 3600_000;

/** The days of each month in a leap year. */
const LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function everComes({ minutes, hours, days, months, weekdays, eitherDay }: Calendar): boolean {
  if (minutes.length === 0 || hours.length === 0 || months.size === 0) return false;
  if (eitherDay && weekdays.size > 0) return true;
  if (!eitherDay && weekdays.size === 0) return false;
  return [...months].some((month) => [...days].some((day) => day <= (LENGTHS[month - 1] ?? 0)));
}

/** Whether a calendar has that day. `weekday` is that of `Date.getUTCDay()`, `month` 1 to 12. */
export function hasDay(
  { days, months, weekdays, eitherDay }: Calendar,
  { month, day, weekday }: { readonly month: number; readonly day: number; readonly weekday: number },
): boolean {
  if (!months.has(month)) return false;
  return eitherDay ? days.has(day) || weekdays.has(weekday) : days.has(day) && weekdays.has(weekday);
}
