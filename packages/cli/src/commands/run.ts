/** `chaosplane run`: one experiment file, on the pods of this machine or through the operator of a cluster. */
import { connectRuntime } from '@chaosplane/daemon';
import type { ChaosExperiment } from '@chaosplane/api';
import type { Command } from 'commander';
import { addClusterOptions, meansCluster, tellPlace } from '../cluster/connect.ts';
import { runFileOnCluster } from '../cluster/run-file.ts';
import { changesOf, isExperiment, meansRuns, readDocuments } from '../documents.ts';
import { createProgress } from '../output/progress.ts';
import { tellTimetable } from '../output/timetable.ts';
import { exitCodeOf, worstOf } from '../output/verdict.ts';
import { plan, type Machine, type RunFlags } from './machine.ts';
import { runWorkflowHere } from './workflow.ts';
import { runExperiment } from '../standalone/run.ts';
import { connectDaemon } from '../standalone/daemon-connection.ts';
import {
  addMachineOptions,
  engineOption,
  isPlugin,
  outputOption,
  runtimeOption,
  connectionOptions,
  socketOption,
  stateDirOption,
  type Surroundings,
} from './options.ts';

/** Summary, description, and the flags of an example. */
const ANYWHERE = [
  'run the experiments of a file, on the pods of this machine or through the operator of a cluster',
  'Runs the experiments of a YAML or JSON file (- for standard input), one after another: on the pods of this machine,\n' +
    'through the daemon that answers on the socket, or an engine in this process when none does;\n' +
    'with --cluster, --context or --kubeconfig, through the operator of that cluster; KUBECONFIG alone does not mean one.',
  '--cluster --namespace shop',
] as const;

/** The same for a plugin of kubectl. */
const ON_A_CLUSTER = [
  'run the experiments of a file',
  'Runs the experiments of a YAML or JSON file (- for standard input), one after another, through the operator of the cluster.',
  '--namespace shop',
] as const;

export function addRun(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  const { calledAs } = surroundings;
  const [summary, description, example] = isPlugin(surroundings) ? ON_A_CLUSTER : ANYWHERE;
  const command = program
    .command('run <file>')
    .summary(summary)
    .description(`${description}\nCtrl-C ends the experiment and undoes it first.`)
    .option('--dry-run', 'only explain: change nothing')
    .option('--now', 'of a schedule, one run of it, now')
    .option('--resume', 'of a workflow, do not wait where a step is suspended');
  addFileOptions(command, surroundings)
    .addHelpText(
      'after',
      '\nExit code: 0 the hypothesis held, or none was given and the fault took effect; 1 it did not hold; 2 the experiment\n' +
        'could not be run; 3 inconclusive: nothing in scope came by, say, or it was aborted; 130 or 143 after a second Ctrl-C or\n' +
        'SIGTERM, or a minute after the first: the operator of a cluster goes on ending it.\n' +
        '\nExamples:\n' +
        `  ${calledAs} run examples/network-delay.yaml --dry-run\n` +
        `  ${calledAs} run examples/network-delay.yaml --duration 10s --output json\n` +
        `  ${calledAs} run examples/network-delay.yaml ${example}\n` +
        `  ${calledAs} run examples/schedule.yaml --now\n`,
    )
    .action(async (file: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<RunFlags>();
      done(await runFile(file, flags, command, surroundings));
    });
}

/** Flags of commands that take a file of experiments. */
export function addFileOptions(command: Command, surroundings: Surroundings): Command {
  command
    .option('--duration <duration>', "instead of the file's duration, for example 30s")
    .option('-p, --parameter <name=value>', 'a parameter of a workflow; can be given more than once', gather, [])
    .addOption(outputOption);
  return addClusterOptions(
    addMachineOptions(command, surroundings, socketOption, stateDirOption, runtimeOption, engineOption),
  );
}

const gather = (one: string, before: readonly string[]): readonly string[] => [...before, one];

/** Runs the experiments of a file where the flags say; resolves with the exit code: the worst of all. */
export function runFile(file: string, flags: RunFlags, command: Command, surroundings: Surroundings): Promise<number> {
  return (meansCluster(command, surroundings) ? runFileOnCluster : runHere)(file, flags, surroundings);
}

async function runHere(file: string, flags: RunFlags, surroundings: Surroundings): Promise<number> {
  tellPlace(surroundings.err, 'machine');
  const changes = changesOf(flags);
  const documents = await readDocuments(file, {
    place: 'machine',
    stdin: surroundings.stdin,
    changes,
    ...meansRuns(flags),
  });
  const connection = await connectDaemon(connectionOptions(flags), surroundings);
  const runtime = connectRuntime(flags.runtimeEndpoint);
  try {
    const ended: number[] = [];
    const machine = { connection, runtime, surroundings };
    for (const document of documents) {
      if (document.schedule !== undefined && flags.dryRun === true)
        tellTimetable(document.schedule, flags, surroundings);
      if (!isExperiment(document)) {
        ended.push(await runWorkflowHere(document, flags, machine));
        if (surroundings.interrupted.aborted) break;
        continue;
      }
      const { experiment } = document;
      const dry = flags.dryRun === true || experiment.spec.execution.dryRun;
      ended.push(await (dry ? plan : runOne)(experiment, flags, machine));
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
  { connection, runtime, surroundings }: Machine,
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
