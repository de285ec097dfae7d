/** What the kernel accounts for in the cgroups of containers, and which processes are in them: read without the daemon's code. */
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const orEmpty = (read: () => string): string => {
  try {
    return read();
  } catch {
    return '';
  }
};

/** The folder of the cgroup that a process is in, in the hierarchy of a controller of cgroup v1, or in that of v2. */
export function cgroupFolder(pid: number, controller: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const v1 = lines.map((line) => line.split(':')).find(([, names = '']) => names.split(',').includes(controller));
  const wanted = (line: string): boolean => {
    const [, , type, options = ''] = line.split(' ');
    return v1 === undefined ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controller);
  };
  const path = (v1 ?? lines.map((line) => line.split(':')).find(([number]) => number === '0'))?.[2] ?? '';
  return join(mounts.find(wanted)?.split(' ')[1] ?? '', path);
}

/** CPU time that a cgroup has used so far, in milliseconds. */
export function cpuMs(folder: string): number {
  const nanoseconds = orEmpty(() => readFileSync(join(folder, 'cpuacct.usage'), 'utf8'));
  if (nanoseconds !== '') return Number(nanoseconds) / 1e6;
  return Number(/usage_usec (\d+)/.exec(readFileSync(join(folder, 'cpu.stat'), 'utf8'))?.[1]) / 1000;
}

/** Memory that a cgroup uses now, in bytes. */
export function memoryBytes(folder: string): number {
  const v1 = orEmpty(() => readFileSync(join(folder, 'memory.usage_in_bytes'), 'utf8'));
  return Number(v1 === '' ? readFileSync(join(folder, 'memory.current'), 'utf8') : v1);
}

/** The program of a process; empty when it is gone. */
export const programOf = (pid: number): string => basename(orEmpty(() => readlinkSync(`/proc/${pid}/exe`)));

/** The processes in a cgroup that live and are stress-ng. */
export function stressorsIn(folder: string): number[] {
  const pids = orEmpty(() => readFileSync(join(folder, 'cgroup.procs'), 'utf8'));
  return pids.split('\n').filter(Boolean).map(Number).filter(isStressor);
}

function isStressor(pid: number): boolean {
  const stat = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return programOf(pid) === 'stress-ng' && stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
}

/** The processes below `parent` that are stress-ng now, each with where it is: the lines of its cgroup file. */
export function stressorsBelow(parent: number): { readonly pid: number; readonly cgroups: string }[] {
  const children = tasksOf(parent).flatMap((task) =>
    orEmpty(() => readFileSync(`/proc/${parent}/task/${task}/children`, 'utf8'))
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
  return children.flatMap((pid) => {
    // Before as well: it may be the gate, which joins one cgroup after another, and become stress-ng in between.
    const already = isStressor(pid);
    const cgroups = orEmpty(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
    const below = stressorsBelow(pid);
    return already && isStressor(pid) && cgroups !== '' ? [{ pid, cgroups }, ...below] : below;
  });
}

/** Its threads; none when it is gone. */
function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/**
 * Freezes all processes of the cgroup that a process is in, so that nothing ends them. Returns what thaws them; undefined where
 * there is no freezer of cgroup v1: that of v2 lets them be killed.
 */
export async function freeze(pid: number): Promise<(() => void) | undefined> {
  const file = join(cgroupFolder(pid, 'freezer'), 'freezer.state');
  if (!existsSync(file)) return undefined;
  const thaw = (): void => writeFileSync(file, 'THAWED');
  writeFileSync(file, 'FROZEN');
  const end = performance.now() + 20_000;
  while (readFileSync(file, 'utf8').trim() !== 'FROZEN') {
    if (performance.now() > end) {
      thaw();
      throw new Error(`${file} did not come to FROZEN`);
    }
    await pause(5);
  }
  return thaw;
}

/** Has the kernel prefer a cgroup, and all that it is in, for as long as `work` takes: a busy machine distorts what is measured. */
export async function preferring<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before: [string, string][] = [];
  for (
    let each = folder;
    !existsSync(join(each, 'release_agent')) && each.startsWith('/sys/fs/cgroup/');
    each = dirname(each)
  ) {
    for (const [name, most] of [
      ['cpu.shares', '262144'],
      ['cpu.weight', '10000'],
    ] as const) {
      const file = join(each, name);
      if (!existsSync(file)) continue;
      before.push([file, readFileSync(file, 'utf8')]);
      writeFileSync(file, most);
    }
  }
  try {
    return await work();
  } finally {
    for (const [file, value] of before) writeFileSync(file, value);
  }
}
