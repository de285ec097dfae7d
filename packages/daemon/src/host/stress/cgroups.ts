/** The cgroups of this node, of both versions: where a process is, what is accounted for there, and those of our own. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ChaosError, systemClock } from '@chaosplane/common';
import { isFrozen, read, room, usage } from './cgroup-accounts.ts';
import type { Cgroup, Cgroups, ProcessRef } from '../../contract/host.ts';

/** One mounted hierarchy. */
interface Hierarchy {
  /** Controllers of cgroup v1, or `name=…`; empty: the unified one of cgroup v2. */
  readonly controllers: readonly string[];
  /** Which cgroup is seen at the mount point. */
  readonly root: string;
  readonly point: string;
}

/** The mounted hierarchies; see proc_pid_mountinfo(5). Exported for its test. */
export function parseMounts(mountinfo: string): Hierarchy[] {
  return mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    if (type === 'cgroup2') return [{ controllers: [], root, point }];
    if (type !== 'cgroup') return [];
    const controllers = options
      .split(',')
      .filter((option) => !['rw', 'ro', 'xattr', 'clone_children'].includes(option));
    return [{ controllers, root, point }];
  });
}

/** The cgroup of a process in each hierarchy, by the controllers; see cgroups(7). Exported for its test. */
export function parseMembership(text: string): Map<string, string> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line): [string, string] => {
        const [, controllers = '', ...path] = line.split(':');
        return [controllers, path.join(':')];
      }),
  );
}

const keyOf = ({ controllers }: Hierarchy): string => controllers.toSorted().join(',');

/** Of several mounts of a hierarchy the one that shows most. */
function hierarchies(): Hierarchy[] {
  const best = new Map<string, Hierarchy>();
  for (const each of parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'))) {
    const known = best.get(keyOf(each));
    if (known === undefined || each.root.length < known.root.length) best.set(keyOf(each), each);
  }
  return [...best.values()];
}

function folderIn({ root, point }: Hierarchy, path: string): string | undefined {
  const below = relative(root, path);
  return below.startsWith('..') ? undefined : join(point, below);
}

function of({ pid }: ProcessRef): Cgroup {
  const membership = parseMembership(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  const sorted = new Map([...membership].map(([names, path]) => [names.split(',').toSorted().join(','), path]));
  const folders = hierarchies().flatMap((hierarchy) => {
    const path = sorted.get(keyOf(hierarchy));
    if (path === undefined) return [];
    const folder = folderIn(hierarchy, path);
    if (folder !== undefined) return [folder];
    const message = `the cgroup ${path} of process ${pid} is not below ${hierarchy.point}`;
    throw new ChaosError('FAILED_PRECONDITION', `${message}: mount /sys/fs/cgroup of the node into the daemon`);
  });
  if (folders.length > 0) return folders;
  throw new ChaosError('FAILED_PRECONDITION', 'no cgroup file system is mounted: mount /sys/fs/cgroup of the node');
}

/** The folder of ChaosPlane below which each stressor of the node itself has a cgroup. */
const OURS = 'chaosplane';
/** What is accounted for; in the other hierarchies of cgroup v1 such a stressor is in the root. */
const WANTED = ['cpu', 'cpuacct', 'memory'];

/** Where each of them is, in the hierarchies that can account for something. */
function ownFolders(name: string): { readonly own: string[]; readonly roots: string[] } {
  const all = hierarchies();
  const unified = all.filter(({ controllers }) => controllers.length === 0);
  const useful = all.filter(({ controllers }) => controllers.some((controller) => WANTED.includes(controller)));
  // With cgroup v1 mounted, the unified hierarchy has no controllers of its own.
  const own = useful.length > 0 ? useful : unified;
  return {
    own: own.map(({ point }) => join(point, OURS, name)),
    roots: all.filter((each) => !own.includes(each)).map(({ point }) => point),
  };
}

function create(name: string): Cgroup {
  const { own, roots } = ownFolders(name);
  for (const folder of own) {
    const above = join(folder, '..');
    mkdirSync(above, { recursive: true });
    enable(join(above, '..'));
    enable(above);
    mkdirSync(folder, { recursive: true });
  }
  return [...own, ...roots];
}

/** Cgroup v2 accounts for memory and CPU below a folder only where that was asked for; v1 has no such file. */
function enable(folder: string): void {
  const file = join(folder, 'cgroup.subtree_control');
  for (const controller of ['cpu', 'memory']) {
    try {
      writeFileSync(file, `+${controller}`, { flag: 'r+' });
    } catch {
      // Where a controller is not to be had, what it would have accounted for is absent from the evidence.
    }
  }
}

function remove(name: string): void {
  for (const folder of ownFolders(name).own) {
    for (const each of [folder, join(folder, '..')]) removeFolder(each);
  }
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The folder above has other stressors in it; a missing one is what was wanted.
    if (code === 'ENOENT' || folder.endsWith(`/${OURS}`)) return;
    throw error;
  }
}

/** One that was made this short a while ago may be about to be used, also by another daemon. */
const YOUNG_MS = 60_000;

function idle(): string[] {
  const names = new Set<string>();
  for (const folder of ownFolders('').own) {
    for (const name of foldersIn(folder)) {
      const path = join(folder, name);
      const old = systemClock.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > YOUNG_MS;
      if (old && read([path], 'cgroup.procs') === '') names.add(name);
    }
  }
  return [...names];
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The cgroups of this node. */
export const cgroups: Cgroups = { of, usage, room, isFrozen, create, remove, idle };
