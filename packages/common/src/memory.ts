/** Gives back to the system what a process keeps of its start and of bursts of work: V8 keeps the pages of a heap that has shrunk. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from './clock.ts';

/** What is looked at, and done. */
export interface MemoryKeeperParts {
  readonly clock: Clock;
  /** Bytes that are resident now. */
  readonly resident: () => number;
  /** How much of a processor the process has used since it was asked last: 1 is all of it. */
  readonly busy: () => number;
  /** Collects all that can be, and gives its pages back. It takes some 10 ms, and all else waits. */
  readonly collect: () => void;
}

const LOOK_MS = 10_000;
/** After that, what is in use has come back. */
const SETTLE_MS = 1000;
/** Above that, others wait for the process; it has to give back later. */
const BUSY = 0.5;
/** What is resident may be so much more than it was after the last time. */
const GROWN = 1.1;

/** Looks every ten seconds, until what it returns is called. What the start has left is given back at the first of them. */
export function keepMemorySmall({ clock, resident, busy, collect }: MemoryKeeperParts): () => void {
  let least = 0;
  const look = (): void => {
    const quiet = busy() < BUSY;
    if (quiet && resident() > GROWN * least) {
      collect();
      timer = clock.after(SETTLE_MS, settle);
      return;
    }
    least = Math.min(least, resident());
    timer = clock.after(LOOK_MS, look);
  };
  const settle = (): void => {
    least = resident();
    timer = clock.after(LOOK_MS, look);
  };
  let timer = clock.after(LOOK_MS, look);
  return () => timer.cancel();
}

/** Of this process. `alsoGiveBack` is called after each collection: what is to be given back beside the heap. */
export function keepOwnMemorySmall(clock: Clock, alsoGiveBack: () => void = () => undefined): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  let [at, used] = [clock.monotonic(), process.cpuUsage()];
  return keepMemorySmall({
    clock,
    resident: () => process.memoryUsage.rss(),
    // Not by the event loop: on a machine that is full, it is busy while it waits for a processor.
    busy() {
      const { user, system } = process.cpuUsage(used);
      const ms = clock.monotonic() - at;
      [at, used] = [clock.monotonic(), process.cpuUsage()];
      return (user + system) / 1000 / ms;
    },
    collect() {
      gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
      alsoGiveBack();
    },
  });
}
