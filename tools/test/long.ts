/** `npm run test:long`: the tests that take long, one after another, and at the end one line that sums them up. */
import { join } from 'node:path';
import { cacheFolder } from '@chaosplane/testcluster';
import { runKernelTestsInVms, type Machine } from '../vm/kernel-tests.ts';
import { countsOf, sum, type Counts } from './counts.ts';
import { runJest } from './jest.ts';
import type { LongTest } from './long-test.ts';
import { longTests } from './long-tests.ts';
import { missing, provide } from './packages.ts';
import { runAll } from './run-all.ts';

const root = join(import.meta.dirname, '..', '..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const HELP = `npm run test:long [-- NAME… [--files PART…]]

Long tests: ${longTests.map(({ name, summary }) => `\n  ${name.padEnd(13)} ${summary}`).join('')}

--files runs only the test files whose names have one of these parts. Needs root.`;

async function inVms(machines: readonly Machine[], timeoutMs: number, signal: AbortSignal): Promise<Counts> {
  const onOutput = (text: string, stream: 'stdout' | 'stderr'): void => {
    if (stream === 'stderr') process.stderr.write(text);
  };
  return sum((await runKernelTestsInVms({ timeoutMs, signal, onOutput, onReport: say }, machines)).map(countsOf));
}

/** The machines that have files whose names have one of `parts`, with these files alone; all of them without parts. */
function chosenOf(machines: readonly Machine[], parts: readonly string[]): Machine[] {
  if (parts.length === 0) return [...machines];
  const left = machines.map(({ names, ...rest }) => ({
    ...rest,
    names: names.filter((name) => parts.some((part) => name.includes(part))),
  }));
  return left.filter(({ names }) => names.length > 0);
}

async function run(test: LongTest, files: readonly string[], runId: string, signal: AbortSignal): Promise<Counts> {
  const reason = test.whyNot?.();
  if (reason !== undefined) {
    say(`skipped, because it ${reason}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const why = await provide(missing(test.packages), `the long test ${test.name}`, say);
  if (why !== undefined) throw new Error(`${test.name} ${why}`);
  const env = await test.prepare({ cacheFolder: cacheFolder(), report: say, signal });
  const { project, limitMs, machines } = test;
  if (machines !== undefined) return inVms(chosenOf(machines, files), limitMs, signal);
  const chosen = files.length > 0 ? files : (test.files ?? []);
  const all = { ...env, CHAOSPLANE_TEST_LONG: 'true' };
  return runJest({ root, project, limitMs, signal, runId, env: all, files: chosen, except: test.except ?? [] });
}

async function main(words: readonly string[]): Promise<number> {
  const at = words.indexOf('--files');
  const [names, files] = at < 0 ? [words, []] : [words.slice(0, at), words.slice(at + 1)];
  const unknown = names.filter((name) => !longTests.some((test) => test.name === name));
  if (unknown.length > 0) {
    const help = unknown.includes('--help');
    say(help ? HELP : `error: there is no long test ${unknown.join(', ')}\n\n${HELP}`);
    return help ? 0 : 2;
  }
  if (process.getuid?.() !== 0) {
    say('error: the long tests need root: run the same command with sudo');
    return 2;
  }
  const chosen = longTests.filter(({ name }) => names.length === 0 || names.includes(name));
  return runAll(
    chosen.map((test) => ({
      name: test.name,
      run: (runId, signal) => {
        say(`── ${test.name}: ${test.summary}`);
        return run(test, files, runId, signal);
      },
    })),
    say,
  );
}

process.exit(await main(process.argv.slice(2)));
