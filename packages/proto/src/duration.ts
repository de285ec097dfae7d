/** Durations of the wire, and milliseconds. */
import type { Duration } from './gen/google/protobuf/duration.ts';

/** Milliseconds, to the microsecond, as the wire has them. */
export function durationOf(ms: number): Duration {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

/** Milliseconds of a wire duration. */
export function millisecondsOf({ seconds, nanos }: Pick<Duration, 'seconds' | 'nanos'>): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}
