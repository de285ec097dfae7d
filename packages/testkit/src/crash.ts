/** Stops a daemon dead at one of its steps: before or after any change of its journal or of the kernel. */
import type { Host, Netns } from '@chaosplane/daemon/host';
import type { Journal } from '@chaosplane/daemon/journal';

/** Where to stop. Every effect has two steps: just before it, and just after it. */
export interface CrashPoint {
  /** The number of the step, from 1. */
  readonly step: number;
  /** How many steps were taken so far. */
  taken?: number;
  crashed: boolean;
}

/** What a daemon does when it reaches the step. */
export type Die = (point: CrashPoint) => Promise<never> | never;

/** Never comes back: what a killed process does, as seen from within. */
const hang: Die = (point) => {
  point.crashed = true;
  return new Promise<never>(() => undefined);
};

/** The same parts, whose effects end at the crash point. Synchronous effects throw, and every later one hangs. */
export function withCrash<Journals extends Journal>(
  parts: { readonly host: Host; readonly journal: Journals },
  point: CrashPoint,
  die: Die = hang,
): { readonly host: Host; readonly journal: Journal } {
  const due = (): boolean => {
    point.taken = (point.taken ?? 0) + 1;
    return point.crashed || point.taken === point.step;
  };
  const effect =
    <Args extends unknown[], Result>(run: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (due()) await die(point);
      const result = await run(...args);
      if (due()) await die(point);
      return result;
    };
  const syncEffect =
    <Args extends unknown[], Result>(run: (...args: Args) => Result, counts: (...args: Args) => boolean) =>
    (...args: Args): Result => {
      if (!counts(...args)) return run(...args);
      if (due()) throw new Dead(die(point));
      const result = run(...args);
      if (due()) throw new Dead(die(point));
      return result;
    };
  const changes = (commands: readonly string[]): boolean => !commands.every((command) => command.startsWith('list'));
  const netnsOf = (netns: Netns): Netns => ({
    ...netns,
    nft: syncEffect((commands: readonly string[]) => netns.nft(commands), changes),
    tc: effect((commands: readonly string[]) => netns.tc(commands)),
    qdiscs: () => (point.crashed ? hang(point) : netns.qdiscs()),
    addQueueTable: syncEffect(netns.addQueueTable, () => true),
  });
  const { journal, host } = parts;
  return {
    host: { ...host, openNetns: (path) => netnsOf(host.openNetns(path)) },
    journal: {
      load: () => journal.load(),
      write: effect((record) => journal.write(record)),
      writeLease: effect((lease) => journal.writeLease(lease)),
      forget: effect((id) => journal.forget(id)),
    },
  };
}

/** Thrown where a synchronous effect cannot hang; whatever catches it can change nothing any more. */
class Dead extends Error {
  constructor(_never: unknown) {
    super('the daemon was killed here');
  }
}
