/** How far a build is, and how long it may still take. Pure. */

const seconds = (ms: number): string => (ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`);

/**
 * One line for people. What Go has in its cache it does not compile, and does not say so: the estimate is the most that it can
 * take at the pace so far.
 */
export function progressLine(name: string, { done, total, elapsedMs }: Progress): string {
  const share = `${Math.min(done, total)} of at most ${total} packages after ${seconds(elapsedMs)}`;
  if (done < 10 || done >= total) return `${name}: ${share}`;
  return `${name}: ${share}, ${seconds((elapsedMs / done) * (total - done))} to go at most`;
}

/** Of all programs of a build together. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly elapsedMs: number;
}
