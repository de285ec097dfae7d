/** `chaosplane run`: one experiment file, on the pods of this machine or through the operator of a cluster. */
import { formatDuration } from '@chaosplane/common';
import { connectRuntime, type ContainerRuntime } from '@chaosplane/daemon';
import { selectTargets, targetName, type ChaosExperiment } from '@chaosplane/experiment';
import { resolvePeers, send } from '@chaosplane/operator';
import type { PlanStep } from '@chaosplane/proto';
import type { Command } from 'commander';
import {
  clusterOption,
  contextOption,
  kubeconfigOption,
  meansCluster,
  namespaceOption,
  type ClusterFlags,
} from '../cluster/connect.ts';
import { runFileOnCluster } from '../cluster/run-file.ts';
import { readExperiments } from '../documents.ts';
import { createProgress } from '../output/progress.ts';
import { exitCodeOf, exitCodes } from '../output/verdict.ts';
import { findCandidates, firstContainer } from '../standalone/candidates.ts';
import { runExperiment } from '../standalone/run.ts';
import { openSession, type Session } from '../standalone/session.ts';
import {
  engineLogger,
  engineOption,
  outputOption,
  runtimeOption,
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
        'with --cluster or --context, through the operator of that cluster.\n' +
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
      '\nExit code: 0 the hypothesis held, 1 it did not, 2 the experiment could not be run.\n' +
        '\nExamples:\n' +
        '  chaosplane run examples/network-delay.yaml --dry-run\n' +
        '  chaosplane run examples/network-delay.yaml --duration 10s --output json\n' +
        '  chaosplane run examples/network-delay.yaml --cluster --namespace shop\n',
    )
    .action(async (file: string, _flags: unknown, command: Command) => {
      done(await run(file, command.optsWithGlobals<RunFlags>(), surroundings));
    });
}

async function run(file: string, flags: RunFlags, surroundings: Surroundings): Promise<number> {
  if (meansCluster(flags)) return runFileOnCluster(file, flags, surroundings);
  const { duration } = flags;
  const changes = duration === undefined ? {} : { duration };
  const documents = await readExperiments(file, { place: 'machine', stdin: surroundings.stdin, changes });
  const { socket: socketPath, stateDir, runtimeEndpoint, networkEngine } = flags;
  const session = await openSession({
    socketPath,
    stateDir,
    networkEngine,
    ...(runtimeEndpoint === undefined ? {} : { runtimeEndpoint }),
    logger: engineLogger(flags),
  });
  const runtime = connectRuntime(runtimeEndpoint);
  try {
    let exitCode: number = exitCodes.held;
    for (const { experiment } of documents) {
      const dry = flags.dryRun === true || experiment.spec.execution.dryRun;
      const code = dry
        ? await plan(experiment, session, runtime, surroundings)
        : await runOne(experiment, flags, { session, runtime, surroundings });
      exitCode = Math.max(exitCode, code);
      if (surroundings.interrupted.aborted) break;
    }
    return exitCode;
  } finally {
    runtime.close();
    await session.close();
  }
}

async function runOne(
  experiment: ChaosExperiment,
  flags: RunFlags,
  { session, runtime, surroundings }: { session: Session; runtime: ContainerRuntime; surroundings: Surroundings },
): Promise<number> {
  const { out, clock, interrupted } = surroundings;
  const progress = createProgress({ experiment, clock, out, format: flags.output });
  const say = (): void => progress.say('undoing the experiment before the end; it takes a moment …');
  interrupted.addEventListener('abort', say, { once: true });
  try {
    const status = await runExperiment({
      experiment,
      client: session.client,
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

async function plan(
  experiment: ChaosExperiment,
  { client }: Session,
  runtime: ContainerRuntime,
  { out }: Surroundings,
): Promise<number> {
  const { spec, metadata } = experiment;
  const candidates = await findCandidates({ runtime, client }, spec.target);
  const { chosen, spared } = selectTargets(candidates, spec, spec.target.seed ?? 0);
  const line = (part: string): void => void out.write(`${part}\n`);
  line(`${metadata.name}: ${spec.action.type} for ${formatDuration(spec.duration)}; a dry run, nothing is changed`);
  if (spec.target.seed === undefined && spared.length > 0)
    line('without a seed in the file, a real run may draw others');
  for (const { candidate, why } of spared) line(`  not chosen: ${targetName(candidate)}: ${why}`);
  for (const target of chosen) {
    line(`  target: ${targetName(target)}`);
    const response = await send(client, {
      spec,
      experimentId: 'dry-run',
      target,
      ttlMs: spec.duration,
      dryRun: true,
      peers: resolvePeers(spec),
      ...(await firstContainer(runtime, target)),
    });
    for (const step of response.plan?.steps ?? []) line(stepText(step));
  }
  if (chosen.length === 0) line('  no target: nothing would happen');
  return chosen.length === 0 ? exitCodes.couldNotRun : exitCodes.held;
}

function stepText({ tool, argv, input }: PlanStep): string {
  const how = argv.length === 0 ? `${tool} (in process)` : argv.join(' ');
  return `    ${how}\n${input
    .trimEnd()
    .split('\n')
    .map((part) => `      ${part}`)
    .join('\n')}`;
}
