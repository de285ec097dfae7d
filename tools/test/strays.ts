/** Processes that tests have started, known by what stands in their environment; those of a killed run are still there. */
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** In the environment of everything that a run starts, which processes inherit: its mark, and the process that runs it. */
export function marksOf(runId: string): Readonly<Record<string, string>> {
  return { CHAOSPLANE_TEST_RUN: runId, CHAOSPLANE_TEST_RUNNER: String(process.pid) };
}

/** What a process inherited. */
export interface Marks {
  readonly runId: string;
  readonly runner: number;
}

/** Ends those at once whose marks say so; returns what they were, for people. Without root, those of others are not seen. */
export async function endStrays(isStray: (marks: Marks) => boolean): Promise<string[]> {
  const ended: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
    if (pid === process.pid) continue;
    const marks = marksIn(await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''));
    if (marks === undefined || !isStray(marks)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (end(pid)) ended.push(`process ${pid} ${command.split('\0').slice(0, 2).map(shortened).join(' ')}`);
  }
  return ended;
}

/** Undefined: no test has started it. */
export function marksIn(environ: string): Marks | undefined {
  const of = (name: string): string | undefined =>
    environ
      .split('\0')
      .find((entry) => entry.startsWith(`${name}=`))
      ?.slice(name.length + 1);
  const [runId, runner] = Object.keys(marksOf('')).map(of);
  return runId === undefined || !/^\d+$/.test(runner ?? '') ? undefined : { runId, runner: Number(runner) };
}

const shortened = (word: string): string => (word.startsWith('/') ? basename(word) : word);

function end(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
