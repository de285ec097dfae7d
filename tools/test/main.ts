/** `npm test`: every layer of the tests, one after another, and at the end one line that sums them up. */
import { join } from 'node:path';
import { cacheFolder, kubernetesFolder } from '@chaosplane/testcluster';
import { runStatic } from '../check/static.ts';
import { runKernelTestsInVms } from '../vm/kernel-tests.ts';
import { countsOf, sum, type Counts } from './counts.ts';
import { runJest, type JestRun } from './jest.ts';
import { layers, type Layer } from './layers.ts';
import { whyNot } from './packages.ts';
import { runAll } from './run-all.ts';

const root = join(import.meta.dirname, '..', '..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** jest tells people on standard error, and programs on standard output. */
const show = (text: string, stream: 'stdout' | 'stderr'): void => {
  if (stream === 'stderr') process.stderr.write(text);
};

const HELP = `npm test [-- LAYER…]

Layers: ${layers.map(({ name, summary }) => `\n  ${name.padEnd(8)} ${summary}`).join('')}

A layer that cannot run on this machine says why, and is counted as skipped.`;

/** A layer that was chosen. */
interface Chosen {
  readonly layer: Layer;
  /** Why it cannot run here. */
  readonly why: string | undefined;
}

interface Run {
  readonly runId: string;
  readonly signal: AbortSignal;
  /** Undefined where it is not needed. */
  readonly kubernetes: Promise<string> | undefined;
}

/** Those that run two at once, and then the others. */
async function runFiles(run: JestRun, together: readonly string[]): Promise<Counts> {
  if (together.length === 0) return runJest(run);
  return sum([await runJest({ ...run, workers: 2, files: together }), await runJest({ ...run, except: together })]);
}

async function runLayer({ layer, why }: Chosen, { runId, signal, kubernetes }: Run): Promise<Counts> {
  if (why !== undefined) {
    say(`── ${layer.name}: skipped, because it ${why}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  say(`── ${layer.name}: ${layer.summary}`);
  if (layer.needsKubernetes === true) await kubernetes;
  const { limitMs, workers, together = [] } = layer;
  switch (layer.name) {
    case 'static':
      return runStatic(root, { say, signal });
    case 'vm':
      return sum(
        (await runKernelTestsInVms({ timeoutMs: limitMs, signal, onOutput: show, onReport: say })).map(countsOf),
      );
    case 'pure':
    case 'kernel':
    case 'runtime':
    case 'api':
    case 'cluster':
      return runFiles({ root, project: layer.name, workers, limitMs, signal, runId }, together);
  }
}

/** How long Go may take on a slow machine with nothing in its cache. */
const BUILD_LIMIT_MS = 60 * 60_000;

/**
 * Before the tests that need it, and seen: their limits are for what they do, not for Go's compiler. Layers before them leave
 * processors idle, which it takes. Does nothing when it is built.
 */
function buildKubernetes(signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(BUILD_LIMIT_MS)]);
  return kubernetesFolder({ cacheFolder: cacheFolder(), report: say, signal: limit, inBackground: true });
}

async function main(names: readonly string[]): Promise<number> {
  if (names.includes('--help')) {
    say(HELP);
    return 0;
  }
  const unknown = names.filter((name) => !layers.some((layer) => layer.name === name));
  if (unknown.length > 0) {
    say(`error: there is no layer ${unknown.join(', ')}\n\n${HELP}`);
    return 2;
  }
  const chosen: Chosen[] = [];
  for (const layer of layers)
    if (names.length === 0 || names.includes(layer.name)) chosen.push({ layer, why: await whyNot(layer, say) });
  const needed = chosen.some(({ layer, why }) => layer.needsKubernetes === true && why === undefined);
  let kubernetes: Promise<string> | undefined;
  const run = async (one: Chosen, runId: string, signal: AbortSignal): Promise<Counts> => {
    if (needed && kubernetes === undefined) {
      kubernetes = buildKubernetes(signal);
      // The layer that needs it is told.
      kubernetes.catch(() => undefined);
    }
    return runLayer(one, { runId, signal, kubernetes });
  };
  return runAll(
    chosen.map((one) => ({ name: one.layer.name, run: (runId, signal) => run(one, runId, signal) })),
    say,
  );
}

process.exit(await main(process.argv.slice(2)));
