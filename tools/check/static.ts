/** What is checked without running anything of ChaosPlane: format, lint, types, the wire contract, generated files, words, commits. */
import { execa } from 'execa';
import type { Counts } from '../test/counts.ts';

interface Step {
  readonly name: string;
  readonly argv: readonly string[];
}

const steps: readonly Step[] = [
  { name: 'format (prettier)', argv: ['node_modules/.bin/prettier', '--check', '--log-level=warn', '--cache', '.'] },
  { name: 'types (tsc)', argv: ['node_modules/.bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'wire contract (buf lint, buf breaking)', argv: ['tools/gen/main.ts', '--lint'] },
  { name: 'generated files', argv: ['tools/gen/main.ts', '--verify'] },
  { name: 'words that the glossary strikes', argv: ['tools/check/words.main.ts'] },
  { name: 'messages of commits', argv: ['tools/check/commits.ts'] },
  {
    name: 'lint (eslint)',
    argv: [
      'node_modules/.bin/eslint',
      '--cache',
      '--cache-location',
      'node_modules/.cache/eslint/',
      '--max-warnings=0',
      '.',
    ],
  },
];

/** The rule for package boundaries is silent when there is no project graph, so that comes first. */
const graph: Step = { name: 'project graph (nx)', argv: ['node_modules/.bin/nx', 'show', 'projects'] };

/** Each step is one test. What a failed step said is printed. */
export async function runStatic(root: string, say: (line: string) => void, signal: AbortSignal): Promise<Counts> {
  const results = [await runStep(root, graph, say, signal)];
  results.push(...(await Promise.all(steps.map((step) => runStep(root, step, say, signal)))));
  const passed = results.filter((ok) => ok).length;
  return { passed, failed: results.length - passed, skipped: 0 };
}

async function runStep(
  root: string,
  { name, argv }: Step,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const started = performance.now();
  const result = await execa(process.execPath, argv, {
    cwd: root,
    env: { NX_DAEMON: 'false', NX_TUI: 'false', NODE_OPTIONS: '' },
    stdin: 'ignore',
    all: true,
    reject: false,
    cancelSignal: signal,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`${result.failed ? 'FAIL' : 'ok  '} ${name} (${seconds} s)`);
  if (result.failed) say(result.all);
  return !result.failed;
}
