/** Removes what an earlier run left that was killed before it could clean up; never what belongs to a living one. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sweepLeftovers } from '@chaosplane/testbed';
import { sweepLabs } from '@chaosplane/testkit';

/** What was removed, for people. Needs root for namespaces and mounts; without it there cannot be any of ours. */
export async function sweep(): Promise<string[]> {
  const root = process.getuid?.() === 0;
  const removed = root ? [...sweepLabs(), ...(await sweepLeftovers())] : [];
  for (const name of await readdir(tmpdir())) {
    const owner = /^chaosplane-run-[0-9a-z]+-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    const folder = join(tmpdir(), name);
    if (root) removed.push(...(await sweepLeftovers(folder)));
    await rm(folder, { recursive: true, force: true });
    removed.push(folder);
  }
  return removed;
}
