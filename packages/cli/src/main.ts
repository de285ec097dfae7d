#!/usr/bin/env node
/** The chaosplane command: the only file of the CLI that reads its surroundings and sets the exit code. */
import { basename, delimiter } from 'node:path';
import { apiServerOfPod, cacheFolderOf, defined, VERSION } from '@chaosplane/common';
import { Command, CommanderError } from 'commander';
import { addCompletion } from './commands/completion.ts';
import { addDaemon } from './commands/daemon.ts';
import { addDemo } from './commands/demo.ts';
import { addExecutions } from './commands/executions.ts';
import { addExperiments } from './commands/experiments.ts';
import { addRecover } from './commands/recover.ts';
import { addExplain } from './commands/explain.ts';
import { addNode } from './commands/node.ts';
import { isPlugin, machineClock, type Surroundings } from './commands/options.ts';
import { addResume } from './commands/resume.ts';
import { addRun } from './commands/run.ts';
import { addVersion } from './commands/version.ts';
import { describeError } from './output/problems.ts';
import { exitCodes } from './output/verdict.ts';

const controller = new AbortController();
let asked = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    asked++;
    if (asked === 1) controller.abort(`interrupted by ${signal}`);
    else process.stderr.write('still undoing; it is not skipped\n');
  });
}

// `chaosplane run … | head`: the reader has enough. What is in force is undone first, as with Ctrl-C.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    controller.abort('the output has no reader any more');
  });

const surroundings: Surroundings = {
  // kubectl runs `kubectl-chaosplane` on the PATH for `kubectl chaosplane`.
  calledAs: basename(process.argv[1] ?? '').startsWith('kubectl-chaosplane') ? 'kubectl chaosplane' : 'chaosplane',
  out: process.stdout,
  err: process.stderr,
  stdin: process.stdin,
  clock: machineClock,
  interrupted: controller.signal,
  ...defined({ apiServer: apiServerOfPod(process.env) }),
  cacheFolder: cacheFolderOf(process.env),
  kubeconfigs: (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== ''),
};

const done = (exitCode: number): void => {
  process.exitCode = exitCode;
};

const program = new Command(surroundings.calledAs)
  .description('Chaos engineering for Kubernetes: faults that provably took effect, provably end, and never leak.')
  .version(VERSION)
  .option('-v, --verbose', 'more about what goes on, and the stack of an error')
  .showSuggestionAfterError()
  .exitOverride();

addRun(program, surroundings, done);
addExplain(program, surroundings, done);
addExecutions(program, surroundings, done);
addRecover(program, surroundings, done);
addExperiments(program, surroundings, done);
addResume(program, surroundings, done);
addNode(program, surroundings, done);
addVersion(program, surroundings, done);
// A plugin of kubectl is about a cluster; kubectl completes its words where a program kubectl_complete-chaosplane says how.
if (!isPlugin(surroundings)) {
  addDaemon(program, surroundings, done);
  // The pods of the demo are made of sources, which a bundle does not have.
  if (import.meta.filename.endsWith('.ts')) addDemo(program, surroundings, done);
  addCompletion(program);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.held : exitCodes.couldNotRun;
  } else {
    process.stderr.write(`${describeError(error, program.opts<{ verbose?: boolean }>().verbose === true)}\n`);
    process.exitCode = exitCodes.couldNotRun;
  }
}
