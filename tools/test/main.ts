/** `npm test`: every layer of the tests, one after another, and at the end one line that sums them up. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { cacheFolder, kubernetesFolder } from '../cluster/index.ts';
import { runStatic } from '../check/static.ts';
import { runKernelTestsInVms } from '../vm/kernel-tests.ts';
import { closingLine, countsOf, sum, type Counts } from './counts.ts';
import { runJest } from './jest.ts';
import { layers, type Layer } from './layers.ts';
import { leftBy, orphans } from './leftovers.ts';
import { whyNot } from './packages.ts';
import { sweep } from './sweep.ts';

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
  const { limitMs } = layer;
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
      return runJest({ root, project: layer.name, limitMs, signal, runId });
  }
}

/** How long Go may take on a slow machine with nothing in its cache. */
const BUILD_LIMIT_MS = 30 * 60_000;

/** Before the tests, and seen: their limits are for what they do, not for Go's compiler. Does nothing when it is built. */
async function buildKubernetes(signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(BUILD_LIMIT_MS)]);
  await kubernetesFolder({ cacheFolder: cacheFolder(), report: say, signal: limit });
}

/** A leftover of this run is a failed test. A copy of the tests that runs beside this one comes and goes meanwhile. */
async function checkLeftovers(before: readonly string[], runId: string): Promise<Counts> {
  const left = [...(await leftBy(runId)), ...(await orphans()).filter((mark) => !before.includes(mark))];
  for (const mark of left) say(`left behind: ${mark}`);
  return { passed: left.length === 0 ? 1 : 0, failed: left.length, skipped: 0 };
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
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort());
  const runId = randomBytes(3).toString('hex');
  for (const mark of await sweep()) say(`removed what a killed run had left: ${mark}`);
  const before = await orphans();
  const counts: Counts[] = [];
  for (const layer of layers) {
    if (controller.signal.aborted || (names.length > 0 && !names.includes(layer.name))) continue;
    const started = performance.now();
    const result = await runLayer(layer, runId, controller.signal).catch((error: unknown): Counts => {
      say(String(error));
      return { passed: 0, failed: 1, skipped: 0 };
    });
    counts.push(result);
    say(`── ${layer.name}: ${closingLine(result)} in ${Math.round((performance.now() - started) / 1000)} s\n`);
  }
  counts.push(await checkLeftovers(before, runId));
  if (controller.signal.aborted) counts.push({ passed: 0, failed: 1, skipped: 0 });
  const total = sum(counts);
  process.stdout.write(`${closingLine(total)}\n`);
  return total.failed === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
