/** What a cluster writes down about itself: its folder is all that other processes need to use it or to remove it. */
import { mkdir, mkdtemp, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessIdentity } from './processes.ts';

/** Every cluster's folder begins like this, in the folder for temporary files. */
export const FOLDER_PREFIX = 'chaosplane-cluster-';

/** The content of `cluster.json`. */
export interface Marks {
  /** The name it was given. */
  readonly name: string;
  /** Hardware address of the interface that claims the number: by it the claim is known to be ours. */
  readonly address: string;
  /** Where the programs are. */
  readonly programs: string;
  /** A cluster whose owner is gone is removed; one without an owner stays. */
  readonly owner: ProcessIdentity | null;
  /** Absent until a number is claimed. */
  readonly number?: number;
  /** What files of tests that share it call it; absent: one user has it. */
  readonly shared?: string;
}

/** One node, as it was written down. */
export interface NodeMarks {
  readonly index: number;
  readonly name: string;
  readonly folder: string;
}

/** The name of the cluster's interface on the host, network namespace and cgroup. */
export const markOf = (number: number): string => `cpk${number}`;

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), FOLDER_PREFIX));
  for (const name of ['run', 'log', 'pki', 'images', 'nodes']) await mkdir(join(folder, name));
  return folder;
}

export async function readMarks(folder: string): Promise<Marks | undefined> {
  const text = await readFile(join(folder, 'cluster.json'), 'utf8').catch(() => '');
  return text === '' ? undefined : (JSON.parse(text) as Marks);
}

/** Written as a whole: a reader sees the old or the new. */
export async function writeMarks(folder: string, marks: Marks): Promise<void> {
  await writeFile(join(folder, 'cluster.json.new'), JSON.stringify(marks));
  await rename(join(folder, 'cluster.json.new'), join(folder, 'cluster.json'));
}

/** The folders of all clusters below `parent`, with their marks; one that is just being made has none yet. */
export async function allClusters(parent = tmpdir()): Promise<readonly { folder: string; marks: Marks }[]> {
  const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(FOLDER_PREFIX));
  const found = await Promise.all(
    names.map(async (name) => {
      const folder = join(parent, name);
      const marks = await readMarks(folder);
      return marks === undefined ? [] : [{ folder, marks }];
    }),
  );
  return found.flat();
}

/** The nodes of a cluster in the order in which they were added, whether they run or not. */
export async function readNodes(folder: string): Promise<readonly NodeMarks[]> {
  const indexes = (await readdir(join(folder, 'nodes'))).map(Number).sort((a, b) => a - b);
  const nodes = await Promise.all(
    indexes.map(async (index) => {
      const own = join(folder, 'nodes', String(index));
      const name = await readFile(join(own, 'name'), 'utf8').catch(() => '');
      return name === '' ? [] : [{ index, name, folder: own }];
    }),
  );
  return nodes.flat();
}

/** Takes the next free index for a node. Throws when the name is taken or is none. */
export async function claimNode(folder: string, name: string, most: number): Promise<NodeMarks> {
  if (!/^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name))
    throw new Error(`"${name}" is no name for a node: lower-case letters, digits, "-" and ".", at most 63`);
  if ((await readNodes(folder)).some((node) => node.name === name)) throw new Error(`there is a node ${name} already`);
  for (let index = 1; index <= most; index++) {
    const own = join(folder, 'nodes', String(index));
    try {
      await mkdir(own);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    await writeFile(join(own, 'name'), name);
    return { index, name, folder: own };
  }
  throw new Error(`a cluster has room for ${most} nodes`);
}
