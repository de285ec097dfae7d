/** Runs one project of jest and counts exactly what it did. */
import { chmod, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeSharedClusters } from '@chaosplane/testcluster';
import { execa } from 'execa';
import { countsOf, none, sum, type Counts, type JestReport } from './counts.ts';
import { marksOf } from './strays.ts';
import { removeRun } from './sweep.ts';

/** How a project is run. */
export interface JestRun {
  readonly root: string;
  readonly project: string;
  /** How many files of tests run at once. Default 1. */
  readonly workers?: number;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** In the environment of the tests: the mark of this run in everything they make. */
  readonly runId: string;
  /** Beside that. */
  readonly env?: Readonly<Record<string, string>>;
  /** Parts of the names of the files that are run. Absent: all of the project. */
  readonly files?: readonly string[];
  /** Parts of the names of the files that are left out. */
  readonly except?: readonly string[];
  /** Sources: the tests that import one of them are run, by way of others, too. */
  readonly relatedTo?: readonly string[];
}

/** Resolves with the counts; what jest tells goes to the screen as it comes. */
export async function runJest({
  root,
  project,
  workers = 1,
  limitMs,
  signal,
  runId,
  env = {},
  files = [],
  except = [],
  relatedTo,
}: JestRun): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), `chaosplane-run-${runId}-${process.pid}-`));
  // Pods with users of their own have their files below it.
  await chmod(folder, 0o711);
  const outputFile = join(folder, 'report.json');
  try {
    const result = await execa(
      process.execPath,
      [
        // As this process itself was started: see tools/first.mjs.
        ...process.execArgv,
        'node_modules/.bin/jest',
        '--selectProjects',
        project,
        '--json',
        `--outputFile=${outputFile}`,
        '--forceExit',
        // Of tests that say nothing else. It finds those that hang: a busy machine takes its time for the others.
        '--testTimeout=120000',
        `--maxWorkers=${workers}`,
        ...files,
        ...(relatedTo === undefined ? [] : ['--passWithNoTests', '--findRelatedTests', ...relatedTo]),
        ...except.flatMap((part) => ['--testPathIgnorePatterns', part]),
      ],
      {
        cwd: root,
        env: {
          NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
          ...env,
          ...marksOf(runId),
          // What the tests make in the temporary folder is theirs, and is looked for afterwards.
          TMPDIR: folder,
        },
        stdin: 'ignore',
        // The report on standard output is for programs.
        stdout: 'ignore',
        stderr: 'inherit',
        timeout: limitMs,
        cancelSignal: signal,
        reject: false,
      },
    );
    const failures: string[] = [];
    if (result.timedOut) failures.push(`it took longer than ${limitMs / 60_000} minutes and was stopped`);
    const text = await readFile(outputFile, 'utf8').catch(() => undefined);
    if (text === undefined && !result.timedOut)
      failures.push(`jest ended without a report: ${result.signal ?? `exit code ${result.exitCode}`}`);
    await removeSharedClusters(folder);
    const left = (await readdir(folder)).filter((name) => name.startsWith('chaosplane-'));
    failures.push(...left.map((name) => `left behind: ${name}`));
    for (const failure of failures) process.stderr.write(`the layer ${project}: ${failure}\n`);
    const counts = text === undefined ? none : countsOf(JSON.parse(text) as JestReport);
    return sum([counts, { ...none, failed: failures.length, failures }]);
  } finally {
    await removeRun(folder);
  }
}
