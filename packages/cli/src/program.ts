/** The command with all of its commands: what is parsed, and what each does. */
import { VERSION } from '@chaosplane/common';
import { Command } from 'commander';
import { addAbort } from './commands/abort.ts';
import { addCompletion } from './commands/completion.ts';
import { addDaemon } from './commands/daemon.ts';
import { addDemo } from './commands/demo.ts';
import { addExecutions } from './commands/executions.ts';
import { addExperiments } from './commands/experiments.ts';
import { addRecover } from './commands/recover.ts';
import { addExplain } from './commands/explain.ts';
import { addNode } from './commands/node.ts';
import { addResume } from './commands/resume.ts';
import { addRun } from './commands/run.ts';
import { addVersion } from './commands/version.ts';
import { isPlugin, type Surroundings } from './commands/options.ts';

/** `done` is told the exit code. `demo`: whether there are the sources that the pods of the demo are made of. */
export function createProgram(
  surroundings: Surroundings,
  { done, demo }: { readonly done: (exitCode: number) => void; readonly demo: boolean },
): Command {
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
  addAbort(program, surroundings, done);
  addResume(program, surroundings, done);
  addNode(program, surroundings, done);
  addVersion(program, surroundings, done);
  // A plugin of kubectl is about a cluster; kubectl completes its words where a program kubectl_complete-chaosplane says how.
  if (!isPlugin(surroundings)) {
    addDaemon(program, surroundings, done);
    if (demo) addDemo(program, surroundings, done);
    addCompletion(program);
  }
  return program;
}
