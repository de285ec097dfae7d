/** How long a daemon takes to end, at most, when it is told to. */
import type { Clock } from '@chaosplane/common';

/** Calls that are under way have five seconds on each of two servers; letting go of namespaces and of stressors has the rest. */
const KEEP_MS = 20_000;

/** What `--on-stop=undo` may take more. What is not undone by then, the next daemon undoes. */
const UNDO_MS = 60_000;

/** From SIGTERM to the end of the process; the chart gives the pod this time and a little more. Milliseconds. */
export const shutdownMs = (onStop: 'keep' | 'undo'): number => KEEP_MS + (onStop === 'undo' ? UNDO_MS : 0);

/**
 * Waits for the end of what was told to stop. `late` when that takes longer than `limitMs`: the process may end all the same, because
 * the journal knows what is in force.
 */
export async function endsWithin(
  stopping: Promise<unknown>,
  limitMs: number,
  clock: Pick<Clock, 'after'>,
): Promise<'stopped' | 'late'> {
  const late = Promise.withResolvers<'late'>();
  const timer = clock.after(limitMs, () => late.resolve('late'));
  try {
    return await Promise.race([stopping.then(() => 'stopped' as const), late.promise]);
  } finally {
    timer.cancel();
  }
}
