/** Schedules with `dst: kubernetes` are those of a CronJob: compared with the library that Kubernetes calls. */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { hasDay, parseCron, type Timetable } from '@chaosplane/api';
import { runsAfter } from '../../src/schedule/planned.ts';
import { askKubernetes, type Answer, type Question } from './kubernetes-cron/ask.ts';

// The first run builds a program.
jest.setTimeout(300_000);

const schedules = [
  ...['* * * * *', '*/5 * * * *', '0 * * * *', '30 * * * *', '15,45 * * * *', '*/30 * * * *', '*/7 * * * *'],
  ...['0 0 * * *', '30 0 * * *', '0 1 * * *', '30 1 * * *', '45 1 * * *', '59 1 * * *', '0 2 * * *', '1 2 * * *'],
  ...['15 2 * * *', '30 2 * * *', '59 2 * * *', '*/30 2 * * *', '0,30 2,3 * * *', '0 3 * * *', '30 3 * * *'],
  ...['0 4 * * *', '0 12 * * *', '0 23 * * *', '30 23 * * *', '59 23 * * *', '0 */2 * * *', '0 1-23/2 * * *'],
  ...['30 */3 * * *', '0 0-4 * * *', '*/20 1-3 * * *', '0 0,12 * * *', '0 6-16/4 * * 1-5', '5/15 2 * * *'],
  ...['0 0 * * 0', '30 2 * * 0', '30 2 * * 0,6', '45 1 * * 0', '0 0 * * 1', '0 0 * * 1-5', '0 0 * * mon-fri'],
  ...['30 2 * * sun', '0 3 * * SUN', '0 0 1 * *', '30 2 1 * *', '0 0 31 * *', '30 2 28 3 *', '30 2 31 10 *'],
  ...['0 0 1 * 1', '0 0 1 * */1', '0 0 */2 * 1', '0 0 1-31 * 1', '0 0 */1 * 1', '30 2 1-7 * 0', '30 2 * 3,10 0'],
  ...['0 0 * mar,apr *', '0 0 29 2 *', '0 12 1 1 *', '? ? ? ? ?', '0 0 ? * 1', '0 0 1 * ?', '*/70 * * * *'],
  ...['0,,30 2 * * *', '+5 2 * * *', '*-10 2 * * *', '0-59/20 0-3 * * *', '59-59 * * * *', '00 02 * * *'],
  ...['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually', ' 0  0 * * * '],
] as const;

const zones = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'America/St_Johns', 'America/Santiago', 'Africa/Cairo'],
  ...['Pacific/Chatham', 'Asia/Kolkata', 'Australia/Lord_Howe'],
] as const;

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

/** How far a clock there is ahead of UTC, in milliseconds. */
function offsetAt(timeZone: string, at: number): number {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(at);
  return Date.parse(`${parts.replace(' ', 'T')}Z`) - at;
}

/** Hours of 2026 and 2027 in which a zone changes its clocks; the first of January where it never does. */
function changesOf(timeZone: string): number[] {
  const found: number[] = [];
  const end = Date.UTC(2027, 11, 1);
  for (let day = Date.UTC(2026, 7, 1); day < end; day += DAY_MS) {
    if (offsetAt(timeZone, day) === offsetAt(timeZone, day + DAY_MS)) continue;
    found.push(day);
  }
  return found.length === 0 ? [Date.UTC(2027, 0, 1)] : found.slice(0, 3);
}

function timetableOf(text: string): Timetable | undefined {
  const parsed = parseCron(text);
  return parsed.ok ? parsed.value : undefined;
}

/** Two days on either side of each change of clocks. */
const questions: readonly Question[] = zones.flatMap((zone) =>
  changesOf(zone).flatMap((day) =>
    schedules.map((schedule) => ({ schedule, zone, from: day - 2 * DAY_MS - 1, until: day + 3 * DAY_MS })),
  ),
);

/** The same by ChaosPlane. */
function runsOf({ schedule, zone: timeZone, from, until }: Question): readonly number[] {
  const timetable = timetableOf(schedule);
  if (timetable === undefined) throw new Error(schedule);
  const runs: number[] = [];
  for (const at of runsAfter({ timetable, timeZone, dst: 'kubernetes', since: 0 }, from)) {
    if (at > until) break;
    runs.push(at);
  }
  return runs;
}

/** Clocks change by half an hour there, or in the middle of one: the library takes each change for a whole hour at a whole hour. */
const UNEVEN: readonly string[] = ['Australia/Lord_Howe', 'Pacific/Chatham'];

describe('the runs around each change of clocks', () => {
  let answers: readonly Answer[];

  beforeAll(async () => {
    answers = await askKubernetes(questions);
  });

  const askedIn = (zone: string): readonly { question: Question; answer: Answer }[] =>
    questions.flatMap((question, index) => {
      const answer = answers[index] ?? { error: 'no answer', runs: [] };
      return question.zone === zone ? [{ question, answer }] : [];
    });

  test.each(zones.filter((zone) => !UNEVEN.includes(zone)))('in %s are those of Kubernetes', (zone) => {
    const asked = askedIn(zone);
    expect(asked.length).toBeGreaterThanOrEqual(schedules.length);
    for (const { question, answer } of asked)
      expect({ ...question, runs: runsOf(question).map(iso) }).toEqual({ ...question, runs: answer.runs.map(iso) });
  });

  test.each(UNEVEN)('in %s are when clocks there show the time, where Kubernetes is wrong for some days', (zone) => {
    const asked = askedIn(zone);
    for (const { question } of asked)
      expect({ ...question, runs: runsOf(question).map(iso) }).toEqual({
        ...question,
        runs: shownIn(question).map(iso),
      });
    const wrong = asked.filter(({ question, answer }) => runsOf(question).join() !== answer.runs.join());
    expect(wrong.length).toBeGreaterThan(0);
    expect(wrong.length).toBeLessThan(asked.length / 4);
  });
});

const iso = (at: number): string => new Date(at).toISOString();

/** Every minute at which a clock there shows a time of the schedule. */
function shownIn({ schedule, zone, from, until }: Question): readonly number[] {
  const timetable = timetableOf(schedule);
  if (timetable?.kind !== 'calendar') throw new Error(schedule);
  const minutes: number[] = [];
  for (let at = Math.ceil(from / 60_000) * 60_000; at <= until; at += 60_000) {
    const wall = new Date(at + offsetOf(zone, at));
    const day = { month: wall.getUTCMonth() + 1, day: wall.getUTCDate(), weekday: wall.getUTCDay() };
    if (!hasDay(timetable, day) || !timetable.hours.includes(wall.getUTCHours())) continue;
    if (timetable.minutes.includes(wall.getUTCMinutes())) minutes.push(at);
  }
  return minutes;
}

/** Of each minute once: asking a clock is dear. */
const offsets = new Map<string, number>();

function offsetOf(zone: string, at: number): number {
  const known = offsets.get(`${zone} ${at}`);
  if (known !== undefined) return known;
  const offset = offsetAt(zone, at);
  offsets.set(`${zone} ${at}`, offset);
  return offset;
}

describe('the grammar', () => {
  const refused = [
    ...['', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '0 0 0 * *', '0 0 32 * *', '0 0 * 13 *'],
    ...['0 0 * * 7', '0 0 * * 5-7', '0 0 * * 6-0', '0 22-2 * * *', '0 0 * * Sunday', '0 0 L * *', '0 0 * * 1#2'],
    ...['*/0 * * * *', '1-2-3 * * * *', '*/5/5 * * * *', '-5 * * * *', 'H 0 * * *', '@reboot', '@every', '@Daily'],
    ...['@every 1d', '@every ten', '@every  1h', '0.5 * * * *', 'a * * * *', '0 0 jan * *'],
  ];

  /** Refused here with a reason, because it would never run or too often. */
  const stricter = [
    ...['0 0 31 2 *', '0 0 30 2 *', '0 0 31 4,6,9,11 *', ', * * * *'],
    ...['@every 10ms', '@every 0s', '@every -1h', '@every 9s', '@every 87601h'],
  ];

  test.each([
    ['what Kubernetes takes is taken', [...schedules, '@every 10s', '@every 1h30m', '@every 1.5h'], [true, true]],
    ['what it refuses is refused', refused, [false, false]],
    ['what it takes and never or always runs is refused', stricter, [true, false]],
  ])('%s', async (_what, texts, expected) => {
    const answers = await askKubernetes(texts.map((schedule) => ({ schedule, zone: 'UTC', from: 0, until: 0 })));
    expect(texts.map((text, index) => [text, answers[index]?.error === undefined, parseCron(text).ok])).toEqual(
      texts.map((text) => [text, ...expected]),
    );
  });
});
