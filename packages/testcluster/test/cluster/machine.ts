/** What a cluster has left on this machine, looked for by its marks. */
import { readFile, readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { execa } from 'execa';
import { eventually } from '@chaosplane/testkit/eventually';

/** Every line about the machine that names the folder or the mark. */
async function traces(folder: string, mark: string): Promise<string[]> {
  const cgroups = await execa('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', mark]);
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const texts = [
    await read('/proc/self/mountinfo'),
    (await execa('ip', ['-o', 'link'])).stdout,
    (await execa('ip', ['route'])).stdout,
    (await execa('ip', ['netns', 'list'])).stdout,
    cgroups.stdout,
    (await execa('find', ['/tmp', '-maxdepth', '2', '-name', basename(folder)])).stdout,
    ...(await Promise.all(processes.map(async (pid) => (await read(`/proc/${pid}/cmdline`)).replaceAll('\0', ' ')))),
    ...(await Promise.all(processes.map((pid) => read(`/proc/${pid}/cgroup`)))),
  ];
  const marked = new RegExp(`${folder}|\\b${mark}\\b`);
  return texts.flatMap((text) => text.split('\n')).filter((line) => marked.test(line));
}

/** Resolves when no trace is left, at most 30 s later. */
export async function noTraceLeft(folder: string, mark: string): Promise<void> {
  await eventually(`no trace of ${mark}`, () => traces(folder, mark), {
    everyMs: 200,
    is: (left) => left.length === 0,
  });
}
