/** Removes what an earlier run left that was killed before it could clean up; never what belongs to a living one. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sweepLeftovers } from '@chaosplane/testbed';
import { sweepLabs } from '@chaosplane/testkit';
import { sweepClusters, wantedClusters } from '@chaosplane/testcluster';
import { endStrays } from './strays.ts';

/** What was removed, for people. Needs root for namespaces and mounts; without it there cannot be any of ChaosPlane. */
export async function sweep(): Promise<string[]> {
  // First: what they hold cannot be removed under them.
  const ended = await endStrays(({ runner }) => !existsSync(`/proc/${runner}`));
  const removed = isRoot() ? [...sweepLabs(), ...(await sweepLeftovers()), ...(await sweepClusters())] : [];
  for (const name of await readdir(tmpdir())) {
    const owner = /^chaosplane-(?:run-[0-9a-z]+|vm)-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    removed.push(...(await removeRun(join(tmpdir(), name))));
  }
  return [...ended, ...removed];
}

/**
 * Removes a run's folder, and before it what tests that were killed have left of test beds and clusters in it: without
 * the folder it would be unknown what belongs to them. It stays when something in it still has a living owner.
 */
export async function removeRun(folder: string): Promise<string[]> {
  const removed = isRoot() ? [...(await sweepLeftovers(folder)), ...(await sweepClusters(folder))] : [];
  if ((await wantedClusters(folder)).length > 0) return removed;
  await rm(folder, { recursive: true, force: true });
  return [...removed, folder];
}

const isRoot = (): boolean => process.getuid?.() === 0;
