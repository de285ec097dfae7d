/** What clocks on a wall show in a time zone, and when they are changed. Pure. */

const SECOND_MS = 1000;
const HOUR_MS = 3600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A clock of each time zone: making one is dear. */
const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const date = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const time = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
  const made = new Intl.DateTimeFormat('en-US', { timeZone, ...date, ...time });
  clocks.set(timeZone, made);
  return made;
}

/**
 * What a clock there shows at an instant, as the milliseconds since the epoch at which a clock in UTC shows the same.
 * @throws RangeError for a zone that is none.
 */
export function wallAt(timeZone: string, at: number): number {
  const whole = Math.floor(at / SECOND_MS) * SECOND_MS;
  const parts = new Map(
    clockOf(timeZone)
      .formatToParts(whole)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? Number.NaN;
  const shown = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return shown + (at - whole);
}

/** How far a clock there is ahead of UTC, in milliseconds. */
const offsetAt = (timeZone: string, at: number): number => wallAt(timeZone, at) - at;

/** What was found before, by zone and instant: asking a clock takes some 30 µs, and days share most of their instants. */
const remembered = new Map<string, number>();
const MOST_REMEMBERED = 5000;

function rememberedOffsetAt(timeZone: string, at: number): number {
  const key = `${timeZone} ${at}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const offset = offsetAt(timeZone, at);
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(key, offset);
  return offset;
}

/** A time in which no clock is changed. */
export interface Stretch {
  /** The first instant of it. */
  readonly from: number;
  /** The first instant after it. */
  readonly until: number;
  /** How far clocks are ahead of UTC, in milliseconds. */
  readonly offset: number;
}

/** No zone has changed its clocks twice in so short a time since they are changed at all. */
const SURELY_ONE_CHANGE_MS = 6 * HOUR_MS;

/** The stretches of time from `from` until `until` or some hours more, whose ends are those of the first and the last one. */
export function stretchesOf(timeZone: string, from: number, until: number): Stretch[] {
  const stretches: Stretch[] = [];
  const first = Math.floor(from / SURELY_ONE_CHANGE_MS) * SURELY_ONE_CHANGE_MS;
  let since = first;
  let offset = rememberedOffsetAt(timeZone, first);
  let seen = first;
  for (; seen < until; seen += SURELY_ONE_CHANGE_MS) {
    const then = rememberedOffsetAt(timeZone, seen + SURELY_ONE_CHANGE_MS);
    if (then === offset) continue;
    const changed = changeBetween(timeZone, seen, seen + SURELY_ONE_CHANGE_MS);
    stretches.push({ from: since, until: changed, offset });
    [since, offset] = [changed, then];
  }
  return [...stretches, { from: since, until: seen, offset }];
}

/** The first instant, in whole seconds, at which clocks show what they show at `late`. */
function changeBetween(timeZone: string, early: number, late: number): number {
  const after = offsetAt(timeZone, late);
  let [low, high] = [Math.floor(early / SECOND_MS), Math.ceil(late / SECOND_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(timeZone, middle * SECOND_MS) === after) high = middle;
    else low = middle;
  }
  return high * SECOND_MS;
}

/** The day that a clock there shows at an instant: `2026-12-24`. */
export function dateAt(timeZone: string, at: number): string {
  return new Date(wallAt(timeZone, at)).toISOString().slice(0, 10);
}

/** An instant as a clock there shows it, with how far that is ahead of UTC: `2026-12-24T02:30:00+01:00` (RFC 3339). */
export function zonedText(timeZone: string, at: number): string {
  const wall = wallAt(timeZone, at);
  // RFC 3339 has no seconds there; the zones of the last hundred years have none either.
  const minutes = Math.round((wall - at) / 60_000);
  const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const two = (part: number): string => String(part).padStart(2, '0');
  const offset = minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
  return `${new Date(wall).toISOString().slice(0, 19)}${offset}`;
}
