/** Folders of built programs: each is made once for what goes into it, by one process at a time, and is whole or not there. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, withLock } from './lock.ts';

/** What a build is given. */
export interface BuildOptions {
  /** Where builds are kept, such as `~/.cache/chaosplane`. */
  readonly cacheFolder: string;
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** It gets the time of the processors that others leave. */
  readonly inBackground?: boolean | undefined;
}

/**
 * The folder of that name for these inputs; `make` fills it when it is not there, in a folder that it may use for anything else
 * as well. What killed builders left is removed.
 */
export async function cachedFolder(
  name: string,
  inputs: unknown,
  options: BuildOptions,
  make: (work: string, bin: string) => Promise<void>,
): Promise<string> {
  const base = join(options.cacheFolder, name);
  const folder = join(base, createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16));
  if (await exists(folder)) return folder;
  await mkdir(base, { recursive: true });
  await withLock(join(base, 'building'), options, async () => {
    if (await exists(folder)) return;
    await removeAbandoned(base);
    const work = await mkdtemp(join(base, `work-${process.pid}-`));
    const bin = join(work, 'bin');
    try {
      await mkdir(bin);
      await make(work, bin);
      await rename(bin, folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return folder;
}

async function removeAbandoned(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const pid = /^work-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || (await exists(`/proc/${pid}`))) continue;
    await rm(join(base, name), { recursive: true, force: true });
  }
}
