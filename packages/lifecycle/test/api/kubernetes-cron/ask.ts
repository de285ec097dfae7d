/** Asks the cron library of Kubernetes, in a program that is built once. */
import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolderOf } from '@chaosplane/common';
import { buildPrograms, cachedFolder, goCaller, moduleFolder } from '@chaosplane/testcluster/go';
import { execa } from 'execa';

/** The version in the go.mod of Kubernetes 1.34. */
const MODULE = 'github.com/robfig/cron/v3@v3.0.1';

/** Which runs of a schedule are wanted: after an instant, until another one, in milliseconds since the epoch. */
export interface Question {
  readonly schedule: string;
  readonly zone: string;
  readonly from: number;
  readonly until: number;
}

/** The runs, or why the schedule is refused. */
export interface Answer {
  readonly error?: string;
  readonly runs: readonly number[];
}

/** All questions at once, answered in their order. */
export async function askKubernetes(questions: readonly Question[]): Promise<readonly Answer[]> {
  const program = join(await folder(), 'kubernetes-cron');
  const input = questions.map((question) => JSON.stringify(question)).join('\n');
  const { stdout } = await execa(program, { input, maxBuffer: 2 ** 28 });
  return stdout.split('\n').map((line) => JSON.parse(line) as Answer);
}

async function folder(): Promise<string> {
  const source = join(import.meta.dirname, 'main.go');
  const options = { cacheFolder: cacheFolderOf(process.env), report: () => undefined };
  const inputs = [MODULE, await readFile(source, 'utf8'), process.arch];
  return cachedFolder('kubernetes-cron', inputs, options, async (work, bin) => {
    const go = await goCaller(options);
    const module = join(work, 'cron');
    await cp(await moduleFolder(go, MODULE), module, { recursive: true });
    // Go keeps modules read-only.
    await execa('chmod', ['-R', 'u+w', module]);
    await mkdir(join(module, 'ask'));
    await cp(source, join(module, 'ask/main.go'));
    const programs = [{ name: 'kubernetes-cron', package: './ask', folder: module, linkerFlags: '-s -w' }];
    await buildPrograms(go, programs, bin, options.report);
  });
}
