/** The command in this process, on a cluster: what it prints, how it ends, and the signals that it gets. */
import { PassThrough } from 'node:stream';
import { fastClock } from '@chaosplane/testkit/clocks';
import { Interrupted, type Interrupt } from '../src/commands/interrupted.ts';
import type { Surroundings } from '../src/commands/options.ts';
import { createProgram } from '../src/program.ts';

/** A command that runs. */
export interface Command {
  /** What was printed, to either stream. */
  printed(): string;
  /** As a user who presses Ctrl-C, or a job that is cancelled. */
  signal(signal: Interrupt): void;
  /** Resolves with the exit code, and with what main.ts would print of an error. */
  readonly end: Promise<{ readonly exitCode: number; readonly message: string }>;
}

/** Its clock is so many times faster. */
export function command(kubeconfig: string, words: readonly string[], { input = '', times = 20 } = {}): Command {
  let text = '';
  const interrupted = new AbortController();
  const leavers = new Set<(signal: Interrupt) => void>();
  const write = (line: string): boolean => (text += line).length > 0;
  const stdin = new PassThrough();
  stdin.end(input);
  const surroundings = {
    calledAs: 'chaosplane',
    out: { write },
    err: { write },
    stdin,
    clock: fastClock(times),
    interrupted: interrupted.signal,
    leaving(leave: (signal: Interrupt) => void) {
      leavers.add(leave);
      return { [Symbol.dispose]: () => void leavers.delete(leave) };
    },
    cacheFolder: '',
    kubeconfigs: [kubeconfig],
  } as unknown as Surroundings;
  let exitCode = 0;
  const program = createProgram(surroundings, { done: (code) => void (exitCode = code), demo: false });
  const run = async () => {
    try {
      await program.parseAsync(words, { from: 'user' });
      return { exitCode, message: '' };
    } catch (error) {
      const { message } = error as Error;
      return { exitCode: error instanceof Interrupted ? error.exitCode : 2, message };
    }
  };
  return {
    printed: () => text,
    signal(signal) {
      if (!interrupted.signal.aborted) interrupted.abort(new Interrupted(signal));
      else for (const leave of leavers) leave(signal);
    },
    end: run(),
  };
}
