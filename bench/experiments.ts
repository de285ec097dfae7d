/**
 * `npm run bench:experiments`: from an experiment's creation to the first packet that it changes, and from its abort to the first that
 * is as before, beside the API server's own round trip.
 */
import { resolve } from 'node:path';
import { imagePackages, packages as clusterPackages } from '@chaosplane/testcluster';
import { Command } from 'commander';
import { rounds, untilInterrupted } from './arguments.ts';
import { runOnce, type Sample } from './experiments/run.ts';
import { startBuild, type Build, type BuildOptions } from './experiments/setup.ts';
import { compared, figures, steps } from './experiments/table.ts';
import { bringPackages, orEnd } from './needs.ts';

interface Flags {
  readonly runs: number;
  readonly without?: true;
  readonly against?: string;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const report = (line: string): void => void process.stderr.write(`${line}\n`);

/** Runs that warm everything up, and are not counted. */
const WARM = 3;

async function bench({ runs, without, against }: Flags, signal: AbortSignal): Promise<void> {
  await bringPackages({ ...clusterPackages, ...imagePackages }, 'the bench', report);
  const own: BuildOptions = { label: 'this build', guarded: without !== true };
  const other: readonly BuildOptions[] =
    against === undefined ? [] : [{ label: 'the other', folder: resolve(against), guarded: false }];
  await using ends = new AsyncDisposableStack();
  const builds: Build[] = [];
  for (const options of [own, ...other]) builds.push(await startBuild(options, ends, { report, signal }));
  const seconds = runs * builds.length * 3;
  report(
    `${runs} runs on each of ${builds.length === 1 ? 'one cluster' : 'two clusters, in turn'}: about ${Math.ceil(seconds / 60)} minutes`,
  );
  const gathered = await gather(builds, runs, signal);
  for (const [{ label, guarded }, samples] of gathered) {
    say(
      `\n${label}, ${guarded ? 'with the webhook and two policies' : 'with neither webhook nor policies'}: ${samples.length} runs`,
    );
    for (const line of [...figures(samples), ...steps(samples)]) say(line);
  }
  const [first, second] = gathered.map(([, samples]) => samples);
  if (first === undefined || second === undefined) return;
  const pairs = first.flatMap((sample, index) =>
    second[index] === undefined ? [] : [[sample, second[index]] as const],
  );
  say('');
  for (const line of compared([own.label, other[0]?.label ?? ''], pairs)) say(line);
}

/** The samples of each build. Which goes first changes from run to run. */
async function gather(
  builds: readonly Build[],
  runs: number,
  signal: AbortSignal,
): Promise<(readonly [Build, Sample[]])[]> {
  const gathered = builds.map((build) => [build, [] as Sample[]] as const);
  let told = performance.now();
  for (let run = 1 - WARM; run <= runs; run++) {
    for (const [build, samples] of run % 2 === 0 ? gathered : gathered.toReversed()) {
      const sample = await runOnce(build, run + WARM, signal);
      if (run > 0) samples.push(sample);
    }
    if (performance.now() - told < 10_000) continue;
    told = performance.now();
    report(`run ${Math.max(0, run)} of ${runs}`);
  }
  return gathered;
}

const program = new Command('npm run bench:experiments --')
  .description(
    "From an experiment's creation to the first packet that it changes, and from its abort to the first that is as before, beside the\n" +
      "API server's own round trip: an equal object, created and told by a watch. On a cluster of two nodes of its own, with the\n" +
      'webhook and two policies. A datagram is sent each millisecond, and the fault loses all: so fine is what is measured.\n' +
      'Needs root, and a machine that does little else.',
  )
  .option('--runs <number>', 'how often', rounds, 200)
  .option('--without', 'with neither webhook nor policies')
  .option(
    '--against <folder>',
    'a checkout of another build with its dependencies, with neither, on a cluster of its own, in turn',
  )
  .action(async (flags: Flags) => {
    const signal = untilInterrupted();
    await bench(flags, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      report(signal.reason instanceof Error ? signal.reason.message : 'ended');
      process.exitCode = 130;
    });
  });

await orEnd(program.parseAsync());
process.exit();
