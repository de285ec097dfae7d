/** `chaosplane explain`: a dry run, under the name that people look for. */
import type { Command } from 'commander';
import { clusterOption, contextOption, kubeconfigOption, namespaceOption } from '../cluster/connect.ts';
import {
  engineOption,
  outputOption,
  runtimeOption,
  socketOption,
  stateDirOption,
  type Surroundings,
} from './options.ts';
import { runFile, type RunFlags } from './run.ts';

export function addExplain(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  program
    .command('explain <file>')
    .summary('tell what the experiments of a file would do, and change nothing')
    .description(
      'Tells of each experiment of a YAML or JSON file (- for standard input) which targets would be hit and why the others would not,\n' +
        'which policies forbid it, what the nodes can do, and every ruleset and command: the same as run --dry-run.\n' +
        'With --cluster, --context or --kubeconfig the operator of that cluster chooses and judges, else this machine.',
    )
    .option('--duration <duration>', "instead of the file's duration, for example 30s")
    .addOption(outputOption)
    .addOption(socketOption)
    .addOption(stateDirOption)
    .addOption(runtimeOption)
    .addOption(engineOption)
    .addOption(clusterOption)
    .addOption(contextOption)
    .addOption(kubeconfigOption)
    .addOption(namespaceOption)
    .addHelpText('after', '\nExit code: 0 when every target could be hit and no policy forbids it, else 2.\n')
    .action(async (file: string, _flags: unknown, command: Command) => {
      const flags = { ...command.optsWithGlobals<RunFlags>(), dryRun: true };
      done(await runFile(file, flags, command, surroundings));
    });
}
