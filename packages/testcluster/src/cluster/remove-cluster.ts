/** Removes everything a cluster put on the machine, from nothing but its folder: also when its owner is dead. */
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { removeCgroups } from './cgroups.ts';
import { allClusters, markOf, readMarks, type Marks } from './folder.ts';
import { claimedNumber, releaseNumber, removeNamespaces } from './network.ts';
import { isAlive, killAll, processesInCgroup } from './processes.ts';

/** Removes the cluster in `folder`. Idempotent; two at once do no harm; a folder that is gone is success. */
export async function removeCluster(folder: string): Promise<void> {
  const marks = await readMarks(folder);
  // By the hardware address, so that a number which is another cluster's by now is left alone.
  const number = marks === undefined ? undefined : await claimedNumber(marks.address);
  if (number !== undefined) {
    const mark = markOf(number);
    await killAll(() => processesInCgroup(mark));
    await removeNamespaces(number);
    // A process that was just being started when its owner died may have joined meanwhile.
    await removeCgroups(mark).catch(async () => {
      await killAll(() => processesInCgroup(mark));
      await removeCgroups(mark);
    });
    await unmount(folder);
    await releaseNumber(number);
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

async function unmount(folder: string): Promise<void> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map((line) => line.split(' ')[4] ?? '').filter((point) => point.startsWith(`${folder}/`));
  if (points.length > 0) await execa('umount', ['-l', '--', ...points.reverse()]);
}

/** Whether a cluster is to be left alone: it belongs to a living process, or stays until a user takes it down. */
const isWanted = async ({ owner }: Marks): Promise<boolean> => owner === null || (await isAlive(owner));

/** The folders of the clusters below `parent` that are to be left alone. */
export async function wantedClusters(parent = tmpdir()): Promise<string[]> {
  const wanted: string[] = [];
  for (const { folder, marks } of await allClusters(parent)) if (await isWanted(marks)) wanted.push(folder);
  return wanted;
}

/** Removes clusters whose owner is gone; never those of a living one, nor those that are to stay. Returns the folders. */
export async function sweepClusters(parent = tmpdir()): Promise<string[]> {
  const removed: string[] = [];
  for (const { folder, marks } of await allClusters(parent)) {
    if (await isWanted(marks)) continue;
    await removeCluster(folder);
    removed.push(folder);
  }
  return removed;
}

/** Removes the clusters below `parent` that files of tests have shared, when no file is left. */
export async function removeSharedClusters(parent: string): Promise<void> {
  for (const { folder, marks } of await allClusters(parent))
    if (marks.shared !== undefined) await removeCluster(folder);
}
