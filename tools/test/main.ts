/** `npm test`: every layer of the tests, one after another, and at the end one line that sums them up. */
import { join } from 'node:path';
import { cacheFolder, kubernetesFolder } from '../cluster/index.ts';
import { runStatic } from '../check/static.ts';
import { runKernelTestsInVms } from '../vm/kernel-tests.ts';
import { countsOf, sum, type Counts } from './counts.ts';
import { runJest } from './jest.ts';
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

async function runLayer(layer: Layer, runId: string, signal: AbortSignal): Promise<Counts> {
  const why = await whyNot(layer, say);
  if (why !== undefined) {
    say(`── ${layer.name}: skipped, because it ${why}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  say(`── ${layer.name}: ${layer.summary}`);
  if (layer.needsKubernetes === true) await buildKubernetes(signal);
  const { limitMs, workers } = layer;
  switch (layer.name) {
    case 'static':
      return runStatic(root, say, signal);
    case 'vm':
      return sum(
        (await runKernelTestsInVms({ timeoutMs: limitMs, signal, onOutput: show, onReport: say })).map(countsOf),
      );
    case 'pure':
    case 'kernel':
    case 'runtime':
    case 'api':
    case 'cluster':
      return runJest({ root, project: layer.name, workers, limitMs, signal, runId });
  }
}

/** How long Go may take on a slow machine with nothing in its cache. */
const BUILD_LIMIT_MS = 30 * 60_000;

/** Before the tests, and seen: their limits are for what they do, not for Go's compiler. Does nothing when it is built. */
async function buildKubernetes(signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(BUILD_LIMIT_MS)]);
  await kubernetesFolder({ cacheFolder: cacheFolder(), report: say, signal: limit });
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
  const chosen = layers.filter(({ name }) => names.length === 0 || names.includes(name));
  return runAll(
    chosen.map((layer) => ({ name: layer.name, run: (runId, signal) => runLayer(layer, runId, signal) })),
    say,
  );
}

process.exit(await main(process.argv.slice(2)));
