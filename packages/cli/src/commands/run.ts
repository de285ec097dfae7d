/** `chaosplane run`: one experiment file, on the pods of this machine or through the operator of a cluster. */
import { formatDuration } from '@chaosplane/common';
import { connectRuntime, type ContainerRuntime } from '@chaosplane/daemon';
import { selectionMessage } from '@chaosplane/lifecycle';
import { targetName, type ChaosExperiment } from '@chaosplane/api';
import { indented } from '@chaosplane/client';
import type { Command } from 'commander';
import {
  clusterOption,
  contextOption,
  kubeconfigOption,
  meansCluster,
  namespaceOption,
  tellPlace,
  type ClusterFlags,
} from '../cluster/connect.ts';
import { runFileOnCluster } from '../cluster/run-file.ts';
import { changesOf, readExperiments } from '../documents.ts';
import { createProgress } from '../output/progress.ts';
import { exitCodeOf, exitCodes, worstOf } from '../output/verdict.ts';
import { previewExperiment, runExperiment } from '../standalone/run.ts';
import { connectDaemon, type DaemonConnection } from '../standalone/daemon-connection.ts';
import {
  engineOption,
  outputOption,
  runtimeOption,
  connectionOptions,
  socketOption,
  stateDirOption,
  type EngineFlags,
  type Surroundings,
} from './options.ts';

interface RunFlags extends EngineFlags, ClusterFlags {
  readonly output: 'text' | 'json';
  readonly dryRun?: boolean;
  readonly duration?: string;
}

export function addRun(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  program
    .command('run <file>')
    .summary('run the experiments of a file, on the pods of this machine or through the operator of a cluster')
    .description(
      'Runs the experiments of a YAML or JSON file (- for standard input), one after another: on the pods of this machine,\n' +
        'through the daemon that answers on the socket, or an engine in this process when none does;\n' +
        'with --cluster, --context or --kubeconfig, through the operator of that cluster; KUBECONFIG alone does not mean one.\n' +
        'Ctrl-C ends the experiment and undoes it first.',
    )
    .option('--dry-run', 'print the targets, why others were not chosen, and every ruleset and command; inject nothing')
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
    .addHelpText(
      'after',
      '\nExit code: 0 the hypothesis held, or none was given and the fault took effect; 1 it did not hold; 2 the experiment\n' +
        'could not be run; 3 inconclusive: nothing in scope came by, say, or it was aborted.\n' +
        '\nExamples:\n' +
        '  chaosplane run examples/network-delay.yaml --dry-run\n' +
        '  chaosplane run examples/network-delay.yaml --duration 10s --output json\n' +
        '  chaosplane run examples/network-delay.yaml --cluster --namespace shop\n',
    )
    .action(async (file: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<RunFlags>();
      done(await (meansCluster(command) ? runFileOnCluster : runHere)(file, flags, surroundings));
    });
}

async function runHere(file: string, flags: RunFlags, surroundings: Surroundings): Promise<number> {
  tellPlace(surroundings.err, 'machine');
  const changes = changesOf(flags);
  const documents = await readExperiments(file, { place: 'machine', stdin: surroundings.stdin, changes });
  const connection = await connectDaemon(connectionOptions(flags), surroundings);
  const runtime = connectRuntime(flags.runtimeEndpoint);
  try {
    const ended: number[] = [];
    for (const { experiment } of documents) {
      const dry = flags.dryRun === true || experiment.spec.execution.dryRun;
      const code = dry
        ? await plan(experiment, connection, runtime, surroundings)
        : await runOne(experiment, flags, { connection, runtime, surroundings });
      ended.push(code);
      if (surroundings.interrupted.aborted) break;
    }
    return worstOf(ended);
  } finally {
    runtime.close();
    await connection.close();
  }
}

async function runOne(
  experiment: ChaosExperiment,
  flags: RunFlags,
  {
    connection,
    runtime,
    surroundings,
  }: { connection: DaemonConnection; runtime: ContainerRuntime; surroundings: Surroundings },
): Promise<number> {
  const { out, clock, interrupted } = surroundings;
  const progress = createProgress({ experiment, clock, out, format: flags.output });
  const say = (): void => progress.say('undoing the experiment before the end; it takes a moment …');
  interrupted.addEventListener('abort', say, { once: true });
  try {
    const status = await runExperiment({
      experiment,
      client: connection.client,
      runtime,
      clock,
      abort: interrupted,
      onStatus: (current) => progress.status(current),
    });
    progress.result(status);
    return exitCodeOf(status);
  } finally {
    interrupted.removeEventListener('abort', say);
  }
}

/** Prints what each target would get. */
async function plan(
  experiment: ChaosExperiment,
  { client }: DaemonConnection,
  runtime: ContainerRuntime,
  { out, clock, interrupted }: Surroundings,
): Promise<number> {
  const { spec, metadata } = experiment;
  const previewed = await previewExperiment({ experiment, client, runtime, clock, abort: interrupted });
  if (previewed === undefined) return exitCodes.couldNotRun;
  const { dryRun, previews } = previewed;
  const { selection } = dryRun;
  const line = (part: string): void => void out.write(`${part}\n`);
  line(`${metadata.name}: ${spec.action.type} for ${formatDuration(spec.duration)}; a dry run, nothing is changed`);
  if (spec.target.seed === undefined && selection.skipped.length > 0)
    line('without a seed in the file, a real run may draw others');
  for (const { candidate, why } of selection.skipped) line(`  not chosen: ${targetName(candidate)}: ${why}`);
  selection.chosen.forEach((target, index) => {
    line(`  target: ${targetName(target)}`);
    const preview = previews[index];
    if (preview !== undefined && 'error' in preview) throw preview.error;
    line(indented(preview?.plan ?? '', '    '));
  });
  if (selection.chosen.length === 0) line(`  no target, nothing would happen: ${selectionMessage(selection, spec)}`);
  else if (selection.absent.length > 0) line(`  not there: ${selection.absent.join(', ')}`);
  return selection.chosen.length === 0 ? exitCodes.couldNotRun : exitCodes.held;
}
