/** Quantities as people type them: durations and percentages, parsed in linear time, and durations as we show them. */

/** What came of parsing a text: its value, or what was wrong with it and what is allowed (see `Problem`). */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly wrong: string; readonly allowed: string };

/** The text in quotes for a message: control characters escaped, at most 60 characters of it. */
export function quoted(text: string): string {
  const characters = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(characters);
}

/** A `Parsed` that failed, because `text` is something it may not be: `"x" is not a duration`. */
export function refused(text: string, why: string, allowed: string): Parsed<never> {
  return { ok: false, wrong: text === '' ? 'it is empty' : `${quoted(text)} ${why}`, allowed };
}

/** Units in milliseconds, longest first: the order in which a duration names them. */
const unitsMs = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001 } as const;
type Unit = keyof typeof unitsMs;
const unitOrder = Object.keys(unitsMs) as Unit[];

/** No sensible duration is longer than this text, so hostile ones end here. */
const LONGEST_DURATION_TEXT = 64;
const durationAllowed = 'a duration such as 100ms, 0.5s or 1m30s (units h, m, s, ms, us, longest first)';

/**
 * A duration in milliseconds: numbers, fractions allowed, each with its unit, the longest unit first and none twice.
 * The forms are those of Go's time.ParseDuration that people type; a sign, an exponent and white space are refused.
 */
export function parseDuration(text: string): Parsed<number> {
  if (text.length > LONGEST_DURATION_TEXT) return refused(text, 'is not a duration', durationAllowed);
  if (/^\d+(\.\d+)?$/.test(text)) return refused(text, 'has no unit', durationAllowed);
  if (/^-\d/.test(text)) return refused(text, 'is negative', durationAllowed);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|us|h|m|s)/gy)];
  if (parts.length === 0 || parts.reduce((length, [part]) => length + part.length, 0) !== text.length) {
    return refused(text, 'is not a duration', durationAllowed);
  }
  let ms = 0;
  let last = -1;
  for (const [, amount, unit] of parts) {
    const order = unitOrder.indexOf(unit as Unit);
    if (order <= last) return refused(text, 'has its units out of order', durationAllowed);
    last = order;
    // Microseconds are divided: 250 * 0.001 is not 0.25 in binary for every amount.
    ms += unit === 'us' ? Number(amount) / 1000 : Number(amount) * unitsMs[unit as Unit];
  }
  if (!Number.isSafeInteger(Math.round(ms))) return refused(text, 'is too long', durationAllowed);
  return { ok: true, value: ms };
}

/** Milliseconds as people write them, to the microsecond: `1m30s`, `200ms`, `0.25ms`, `-5s`. Parses back to the same time. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return String(ms);
  if (ms < 0) return `-${formatDuration(-ms)}`;
  const micros = Math.round(ms * 1000);
  if (micros === 0) return '0s';
  if (micros < 1_000_000) return `${micros / 1000}ms`;
  const seconds = (micros % 60_000_000) / 1_000_000;
  const minutes = Math.floor(micros / 60_000_000);
  const parts = [
    [Math.floor(minutes / 60), 'h'],
    [minutes % 60, 'm'],
    [seconds, 's'],
  ] as const;
  return parts
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
}

const percentAllowed = 'a percentage from 0 to 100, such as 25 or 25%';

/** A percentage from 0 to 100, with or without its sign. */
export function parsePercent(text: string): Parsed<number> {
  // Twenty characters write any percentage; more only cost time and precision.
  if (text.length > 20 || !/^-?\d+(\.\d+)?%?$/.test(text)) return refused(text, 'is not a percentage', percentAllowed);
  // Chance is drawn in steps of a thousandth of a percent (nft's numgen random mod 100000).
  if (/\.\d{3}\d*[1-9]/.test(text)) return refused(text, 'is finer than 0.001%', percentAllowed);
  const value = Number(text.replace('%', ''));
  if (text.startsWith('-')) return refused(text, 'is negative', percentAllowed);
  if (value > 100) return refused(text, 'is more than 100%', percentAllowed);
  return { ok: true, value };
}

/** A whole number within `least` to `most`. */
export function parseCount(least: number, most: number): (text: string) => Parsed<number> {
  const allowed = `a whole number from ${least} to ${most}`;
  return (text) => {
    if (!/^\d{1,9}$/.test(text)) return refused(text, 'is not a whole number', allowed);
    const value = Number(text);
    return value < least || value > most ? refused(text, 'is out of range', allowed) : { ok: true, value };
  };
}
