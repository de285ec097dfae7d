/** `chaosplane explain`: a dry run, under the name that people look for. */
import type { Command } from 'commander';
import { isPlugin, type Surroundings } from './options.ts';
import type { RunFlags } from './machine.ts';
import { addFileOptions, runFile } from './run.ts';

const WHERE =
  'With --cluster, --context or --kubeconfig the operator of that cluster chooses and judges, else this machine.';

export function addExplain(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  const command = program
    .command('explain <file>')
    .summary('tell what the experiments of a file would do, and change nothing')
    .description(
      'Tells of each experiment of a YAML or JSON file (- for standard input) which targets would be hit and why the others would not,\n' +
        'which policies forbid it, what the nodes can do, and every ruleset and command: the same as run --dry-run.' +
        (isPlugin(surroundings) ? '' : `\n${WHERE}`),
    );
  addFileOptions(command, surroundings)
    .addHelpText('after', '\nExit code: 0 when every target could be hit and no policy forbids it, else 2.\n')
    .action(async (file: string, _flags: unknown, subcommand: Command) => {
      const flags = { ...subcommand.optsWithGlobals<RunFlags>(), dryRun: true };
      done(await runFile(file, flags, subcommand, surroundings));
    });
}
