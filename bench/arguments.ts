/** What the benches are given on the command line. */
import { InvalidArgumentError } from 'commander';

export const rounds = (text: string): number => {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('allowed: a number of rounds, 1 or more');
  return count;
};

export const seconds = (text: string): number => {
  const count = Number(text);
  if (!(count >= 3 && count <= 600)) throw new InvalidArgumentError('allowed: 3 to 600 seconds');
  return count;
};

/** Ctrl-C ends a bench that takes minutes, and what it started first. `on`, not `once`: execa would end this process beside no other handler. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => controller.abort(new Error(`ended by ${name}`)));
  return controller.signal;
}
