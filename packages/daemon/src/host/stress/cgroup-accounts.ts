/** What the cgroups of a process account for, and how much room they leave: both versions, found by walking up. */
import { defined } from '@chaosplane/common';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Cgroup, CgroupRoom, CgroupUsage } from '../../contract/host.ts';

/** What a file of a folder says; undefined when there is none. */
export function readIn(folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The first of the folders that has the file, and what it says. */
export function read(cgroup: Cgroup, file: string): string | undefined {
  for (const folder of cgroup) {
    const text = readIn(folder, file);
    if (text !== undefined) return text;
  }
  return undefined;
}

const counterIn = (text: string | undefined, name: string): number | undefined => {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
};

/** See `Cgroups.usage`. */
export function usage(cgroup: Cgroup): CgroupUsage {
  // A root has no memory.current; a hierarchy without controllers has a cpu.stat all the same, so v1 is asked first.
  const nanoseconds = read(cgroup, 'cpuacct.usage');
  const microseconds = counterIn(read(cgroup, 'cpu.stat'), 'usage_usec');
  const memory = read(cgroup, 'memory.usage_in_bytes') ?? read(cgroup, 'memory.current');
  const oomKills = counterIn(read(cgroup, 'memory.oom_control') ?? read(cgroup, 'memory.events'), 'oom_kill');
  const cpuMs =
    nanoseconds === undefined
      ? microseconds === undefined
        ? undefined
        : microseconds / 1000
      : Number(nanoseconds) / 1e6;
  return {
    ...defined({ cpuMs }),
    ...(memory === undefined ? {} : { memoryBytes: Number(memory) }),
    ...defined({ oomKills }),
  };
}

/** The folder and those above it in its hierarchy, as far as they can be seen from here. */
function upwards(folder: string): string[] {
  return existsSync(join(folder, 'cgroup.procs')) ? [folder, ...upwards(dirname(folder))] : [];
}

/** Cgroup v1 says "no limit" by the largest number of whole pages, and cgroup v2 by a word. */
const NO_LIMIT = 2 ** 62;

function limitOf(text: string | undefined): number | undefined {
  const limit = Number(text);
  return Number.isFinite(limit) && limit < NO_LIMIT ? limit : undefined;
}

/** The smallest of those that are there. */
function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** What one level says of its memory: the limit, and what is in use without the files that the kernel can drop. */
function memoryAt(folder: string): { readonly limit: number | undefined; readonly free: number | undefined } {
  const limit = limitOf(readIn(folder, 'memory.limit_in_bytes') ?? readIn(folder, 'memory.max'));
  if (limit === undefined) return { limit, free: undefined };
  const used = Number(readIn(folder, 'memory.usage_in_bytes') ?? readIn(folder, 'memory.current') ?? 0);
  const stat = readIn(folder, 'memory.stat');
  const droppable = counterIn(stat, 'total_inactive_file') ?? counterIn(stat, 'inactive_file') ?? 0;
  return { limit, free: Math.max(0, limit - Math.max(0, used - droppable)) };
}

/**
 * See `Cgroups.room`. The limit may be anywhere above: of a pod, or of a container whose first process has moved into a cgroup
 * below its own. Cgroup v1 also tells of levels that are not mounted here (`hierarchical_memory_limit`).
 */
export function room(cgroup: Cgroup): CgroupRoom {
  const levels = cgroup.flatMap(upwards);
  const memory = levels.map(memoryAt);
  const hierarchical = cgroup.map((folder) => counterIn(readIn(folder, 'memory.stat'), 'hierarchical_memory_limit'));
  const memoryLimitBytes = least([
    ...memory.map(({ limit }) => limit),
    ...hierarchical.map((limit) => limitOf(limit === undefined ? undefined : String(limit))),
  ]);
  const memoryFreeBytes = least(memory.map(({ free }) => free));
  const tasks = levels.flatMap((folder) => {
    const limit = limitOf(readIn(folder, 'pids.max'));
    return limit === undefined ? [] : [{ limit, free: limit - Number(readIn(folder, 'pids.current') ?? 0) }];
  });
  const tightest = tasks.toSorted((a, b) => a.free - b.free)[0];
  return {
    ...defined({ memoryLimitBytes, memoryFreeBytes }),
    oomKillsAll: levels.some((folder) => readIn(folder, 'memory.oom.group') === '1'),
    ...defined({ tasks: tightest }),
  };
}

/** See `Cgroups.isFrozen`. */
export function isFrozen(cgroup: Cgroup): boolean {
  return read(cgroup, 'freezer.state') === 'FROZEN' || counterIn(read(cgroup, 'cgroup.events'), 'frozen') === 1;
}
