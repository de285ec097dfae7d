/** Programs of ChaosPlane as processes of their own, in a network namespace, as the images start them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { memoryOf } from './memory.ts';

/** A process that was started. */
export interface Program {
  readonly pid: number;
  /** In bytes: what is resident now, and the most that ever was. */
  memory(): { readonly now: number; readonly most: number };
  /** Whether it is still the process that was started. */
  readonly alive: boolean;
  /** How many lines of its log so far are like that. */
  logged(line: RegExp): number;
  stop(): Promise<void>;
}

/** What is started: a file of this repository, where, and by which line of its log it is known to serve. */
export interface ProgramOptions {
  readonly netns: string;
  /** Relative to the root of the repository. */
  readonly file: string;
  readonly argv: readonly string[];
  readonly ready: RegExp;
}

const ROOT = join(import.meta.dirname, '../../..');

/** Lines of a log that are kept: the first ones tell why a program did not start. */
const MOST_LINES = 20_000;

/**
 * Starts a program in Node; resolves when it serves. It ends with the process that started it, however that ends.
 * @throws Error with its log when it ends before.
 */
export async function startProgram({ netns, file, argv, ready }: ProgramOptions): Promise<Program> {
  const node = [process.execPath, '--max-semi-space-size=4', join(ROOT, file), ...argv];
  const glibc = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '16384', MALLOC_TRIM_THRESHOLD_: '131072' };
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', `--net=${netns}`, ...node], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...glibc, NODE_OPTIONS: '' },
  });
  const ended = once(child, 'close');
  const lines: string[] = [];
  const serving = Promise.withResolvers<undefined>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (lines.length < MOST_LINES) lines.push(line);
    if (ready.test(line)) serving.resolve(undefined);
  });
  await Promise.race([
    serving.promise,
    ended.then(() => Promise.reject(new Error(`${file} ended early: ${lines.join('\n')}`))),
  ]);
  const { pid = 0 } = child;
  return {
    pid,
    memory: () => memoryOf(pid),
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    logged: (line) => lines.filter((each) => line.test(each)).length,
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
    },
  };
}
