/** What is checked without running anything of ChaosPlane: format, lint, types, the wire contract, generated files, words, commits. */
import { execa } from 'execa';
import type { Counts } from '../test/counts.ts';

interface Step {
  readonly name: string;
  readonly argv: readonly string[];
  /** It looks at files one by one: those that have such an ending, behind its arguments. */
  readonly looksAt?: RegExp;
}

const steps: readonly Step[] = [
  {
    name: 'format (prettier)',
    argv: ['node_modules/.bin/prettier', '--check', '--log-level=warn', '--cache', '--ignore-unknown'],
    looksAt: /./,
  },
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
      '--no-warn-ignored',
    ],
    looksAt: /\.m?[jt]s$/,
  },
];

/** The rule for package boundaries is silent when there is no project graph, so that comes first. */
const graph: Step = { name: 'project graph (nx)', argv: ['node_modules/.bin/nx', 'show', 'projects'] };

/** Each step is one test. What a failed step said is printed. `changed`: what looks at files looks at these alone. */
export async function runStatic(
  root: string,
  { say, signal, changed }: { say: (line: string) => void; signal: AbortSignal; changed?: readonly string[] },
): Promise<Counts> {
  const results = [await runStep(root, graph, say, signal)];
  const wanted = steps.flatMap(({ looksAt, ...step }) => {
    if (looksAt === undefined) return [step];
    const files = changed?.filter((file) => looksAt.test(file)) ?? ['.'];
    return files.length === 0 ? [] : [{ ...step, argv: [...step.argv, ...files] }];
  });
  results.push(...(await Promise.all(wanted.map((step) => runStep(root, step, say, signal)))));
  const failures = results.flatMap(({ name, ok }) => (ok ? [] : [name]));
  return { passed: results.length - failures.length, failed: failures.length, skipped: 0, failures };
}

async function runStep(
  root: string,
  { name, argv }: Step,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly ok: boolean }> {
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
  return { name, ok: !result.failed };
}
