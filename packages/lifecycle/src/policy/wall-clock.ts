/** Windows by the clock on the wall: an instant is in a window when a clock there shows so, also on days that are longer or shorter. Pure. */
import { weekdays, type TimeWindow, type Weekday } from '@chaosplane/api';

/** What a clock on the wall shows. */
interface Shown {
  readonly day: Weekday;
  /** Since midnight, as the clock counts. */
  readonly minute: number;
}

const MINUTE_MS = 60_000;

/** A clock of that time zone. Making one is dear, so each zone has one. */
const clocks = new Map<string, Intl.DateTimeFormat>();

/** What the clock of a time zone shows at an instant, in milliseconds since the epoch. Throws a RangeError for a zone that is none. */
function shownAt(timeZone: string, at: number): Shown {
  let clock = clocks.get(timeZone);
  if (clock === undefined) {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    clock = new Intl.DateTimeFormat('en-US', { timeZone, ...parts });
    clocks.set(timeZone, clock);
  }
  const shown = new Map(clock.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = weekdays.find((each) => each === shown.get('weekday')) ?? 'Sun';
  return { day, minute: Number(shown.get('hour')) * 60 + Number(shown.get('minute')) };
}

/** The first window that the instant is in. */
function windowAt(windows: readonly TimeWindow[], at: number): TimeWindow | undefined {
  const shown = new Map<string, Shown>();
  return windows.find((window) => {
    const { timeZone } = window;
    const now = shown.get(timeZone) ?? shownAt(timeZone, at);
    shown.set(timeZone, now);
    return isIn(window, now);
  });
}

function isIn({ days, from, to }: TimeWindow, { day, minute }: Shown): boolean {
  const on = (each: Weekday): boolean => days === undefined || days.includes(each);
  if (from < to) return on(day) && minute >= from && minute < to;
  return (on(day) && minute >= from) || (on(dayBefore(day)) && minute < to);
}

function dayBefore(day: Weekday): Weekday {
  return weekdays[(weekdays.indexOf(day) + 6) % 7] ?? day;
}

/**
 * Every instant from `from` until before `until` at which a clock may show another minute: windows begin and end on whole minutes,
 * and so do the offsets of time zones and their changes.
 */
function* minutesOf(from: number, until: number): Iterable<number> {
  yield from;
  for (let at = (Math.floor(from / MINUTE_MS) + 1) * MINUTE_MS; at < until; at += MINUTE_MS) yield at;
}

/** As people write it: `Mon, Tue 09:00 to 17:00 Europe/Berlin`. */
function windowText({ days, from, to, timeZone }: TimeWindow): string {
  const on = days === undefined ? '' : `${days.join(', ')} `;
  return `${on}${clockText(from)} to ${clockText(to)} ${timeZone}`;
}

/** An instant by the clock of a zone: `Fri 17:05 Europe/Berlin`. */
function instantText(at: number, timeZone: string): string {
  const { day, minute } = shownAt(timeZone, at);
  return `${day} ${clockText(minute)} ${timeZone}`;
}

const clockText = (minute: number): string =>
  [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');

/** When something may be under way. */
export interface Windows {
  readonly allowed?: readonly TimeWindow[] | undefined;
  readonly blocked: readonly TimeWindow[];
}

/** Why something may not begin at an instant and last until another one; undefined when it may. */
export function whyOutside({ allowed, blocked }: Windows, from: number, until: number): string | undefined {
  if (allowed === undefined && blocked.length === 0) return undefined;
  for (const at of minutesOf(from, until)) {
    const hit = windowAt(blocked, at);
    if (hit !== undefined) return `${when(at, from, hit)} is in the blocked time ${windowText(hit)}`;
    const [first] = allowed ?? [];
    if (allowed !== undefined && first !== undefined && windowAt(allowed, at) === undefined)
      return `${when(at, from, first)} is in no allowed time: ${allowed.map(windowText).join('; ')}`;
  }
  return undefined;
}

function when(at: number, from: number, { timeZone }: TimeWindow): string {
  const text = instantText(at, timeZone);
  return at === from ? `now (${text})` : `it would still run at ${text}, which`;
}
