/** Gives back to the system what a process keeps of its start and of bursts of work: V8 keeps the pages of a heap that has shrunk. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from './clock.ts';

/** What is looked at, and done. */
export interface MemoryKeeperParts {
  readonly clock: Clock;
  /** Bytes that are resident now. */
  readonly resident: () => number;
  /** Milliseconds of a processor that the process has used in all. */
  readonly worked: () => number;
  /** Collects all that can be, and gives its pages back. It takes some 10 ms, and all else waits. */
  readonly collect: () => void;
  /** Whether nothing is under way that such a pause would show in. */
  readonly mayPause: () => boolean;
}

const LOOK_MS = 10_000;
/** Above that share of a processor others wait for the process; it has to give back later. */
const BUSY = 0.5;
/** What is resident may be so much more than it was a look after the last time, when what is in use has come back. */
const GROWN = 1.1;
/** After so much work something is to be given back, whether or not what is resident has grown, */
const WORK_MS = 2000;
/** once so long has passed. */
const OFTEN_MS = 60_000;

/** Looks every ten seconds, until what it returns is called. What the start has left is given back at the first of them. */
export function keepMemorySmall({ clock, resident, worked, collect, mayPause }: MemoryKeeperParts): () => void {
  let least = 0;
  let last = { at: clock.monotonic(), worked: worked(), isFresh: false };
  let workedBefore = last.worked;
  const look = (): void => {
    const work = worked();
    const now = resident();
    const isQuiet = work - workedBefore < BUSY * LOOK_MS;
    workedBefore = work;
    least = last.isFresh ? now : Math.min(least, now);
    const isDue = work - last.worked > WORK_MS && clock.monotonic() - last.at >= OFTEN_MS && mayPause();
    if (isQuiet && (isDue || now > GROWN * least)) {
      collect();
      last = { at: clock.monotonic(), worked: worked(), isFresh: true };
    } else last = { ...last, isFresh: false };
    timer = clock.after(LOOK_MS, look);
  };
  let timer = clock.after(LOOK_MS, look);
  return () => timer.cancel();
}

/** What a process gives back beside its heap, and when it may wait for that. */
export interface OwnMemory {
  /** Is called after each collection. */
  readonly alsoGiveBack?: () => void;
  /** See MemoryKeeperParts. Default: always. */
  readonly mayPause?: () => boolean;
}

/** Of this process. */
export function keepOwnMemorySmall(
  clock: Clock,
  { alsoGiveBack = () => undefined, mayPause = () => true }: OwnMemory = {},
): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  return keepMemorySmall({
    ...{ clock, mayPause },
    resident: () => process.memoryUsage.rss(),
    // Not by the event loop: on a machine that is full, it is busy while it waits for a processor.
    worked() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    collect() {
      gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
      alsoGiveBack();
    },
  });
}
