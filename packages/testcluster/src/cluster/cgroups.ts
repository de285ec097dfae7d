/** A cluster's cgroups: one of its name in each of the machine's hierarchies, with one inside for each node. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@chaosplane/common';

/** Where the hierarchies are mounted: one each for the controllers of version 1, or the single one of version 2. */
export async function cgroupRoots(): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  const roots = lines.flatMap(([, path = '', type = '']) => (/^cgroup2?$/.test(type) ? [path] : []));
  return [...new Set(roots)];
}

/** Makes the cgroup `name`, such as `cpk7/control`, in each hierarchy. */
export async function makeCgroups(name: string): Promise<void> {
  for (const root of await cgroupRoots()) {
    let folder = root;
    await passControllersOn(root);
    for (const part of name.split('/')) {
      folder = join(folder, part);
      await mkdir(folder).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      });
      await fillCpuset(root, folder);
      if (folder !== join(root, name)) await passControllersOn(folder);
    }
  }
}

/** A new cpuset of version 1 has no processor and no memory, and refuses processes until it has. */
async function fillCpuset(root: string, folder: string): Promise<void> {
  const entries = new Set(await readdir(folder));
  if (!entries.has('cgroup.clone_children') || !entries.has('cpuset.cpus')) return;
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    await writeFile(join(folder, file), await readFile(join(root, file), 'utf8'));
  await writeFile(join(folder, 'cgroup.clone_children'), '1');
}

/** A cgroup of version 2 has only the controllers that its parent passes on. */
async function passControllersOn(folder: string): Promise<void> {
  const controllers = (await readFile(join(folder, 'cgroup.controllers'), 'utf8').catch(() => '')).trim();
  if (controllers === '') return;
  const wanted = controllers.split(' ').map((name) => `+${name}`);
  await writeFile(join(folder, 'cgroup.subtree_control'), wanted.join(' '));
}

/** Bounds what the cgroup `name` may hold in memory: a stress test in a node must not take the machine. */
export async function limitMemory(name: string, bytes: number): Promise<void> {
  for (const root of await cgroupRoots())
    for (const file of ['memory.limit_in_bytes', 'memory.max']) {
      const path = join(root, name, file);
      if (existsSync(path)) await writeFile(path, String(bytes));
    }
}

/** The command that joins the cgroups `name` and then becomes `argv`. */
export async function joinCgroups(name: string, argv: readonly string[]): Promise<readonly string[]> {
  const files = (await cgroupRoots()).map((root) => join(root, name, 'cgroup.procs'));
  const script = 'n=$1; shift; while [ $n -gt 0 ]; do echo $$ > "$1"; shift; n=$((n-1)); done; exec "$@"';
  return ['/bin/sh', '-euc', script, 'sh', String(files.length), ...files, ...argv];
}

/** Removes the cgroup `name` everywhere, with all below it. The processes are dead by then. */
export async function removeCgroups(name: string): Promise<void> {
  for (const root of await cgroupRoots()) await removeTree(join(root, name));
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  // A cgroup stays busy for a moment after its last process has died.
  const deadline = performance.now() + 5_000;
  for (;;) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || performance.now() > deadline) throw error;
      await systemClock.sleep(20);
    }
  }
}
