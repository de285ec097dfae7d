#!/usr/bin/env node
/** The chaosplane command: the only file of the CLI that reads its surroundings and sets the exit code. */
import { basename, delimiter } from 'node:path';
import { apiServerOfPod, cacheFolderOf, defined } from '@chaosplane/common';
import { CommanderError } from 'commander';
import { Interrupted, type Interrupt } from './commands/interrupted.ts';
import { machineClock, type Surroundings } from './commands/options.ts';
import { createProgram } from './program.ts';
import { describeError } from './output/problems.ts';
import { exitCodes } from './output/verdict.ts';

const controller = new AbortController();
const leavers = new Set<(signal: Interrupt) => void>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!controller.signal.aborted) controller.abort(new Interrupted(signal));
    else if (leavers.size > 0) for (const leave of leavers) leave(signal);
    else process.stderr.write('still undoing; it is not skipped\n');
  });
}

// `chaosplane run … | head`: the reader has enough. What is in force is undone first, as with Ctrl-C.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    controller.abort(new Interrupted('SIGPIPE', 'the output has no reader any more'));
  });

const surroundings: Surroundings = {
  // kubectl runs `kubectl-chaosplane` on the PATH for `kubectl chaosplane`.
  calledAs: basename(process.argv[1] ?? '').startsWith('kubectl-chaosplane') ? 'kubectl chaosplane' : 'chaosplane',
  out: process.stdout,
  err: process.stderr,
  stdin: process.stdin,
  clock: machineClock,
  interrupted: controller.signal,
  leaving(leave) {
    leavers.add(leave);
    return { [Symbol.dispose]: () => void leavers.delete(leave) };
  },
  ...defined({ apiServer: apiServerOfPod(process.env) }),
  cacheFolder: cacheFolderOf(process.env),
  kubeconfigs: (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== ''),
};

const done = (exitCode: number): void => {
  process.exitCode = exitCode;
};

// The pods of the demo are made of sources, which a bundle does not have.
const program = createProgram(surroundings, { done, demo: import.meta.filename.endsWith('.ts') });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.held : exitCodes.couldNotRun;
  } else if (error instanceof Interrupted) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`${describeError(error, program.opts<{ verbose?: boolean }>().verbose === true)}\n`);
    process.exitCode = exitCodes.couldNotRun;
  }
}
