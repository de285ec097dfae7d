/** A lock between processes: a file that names its holder, so that a killed holder's lock is taken over. */
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { systemClock } from '@chaosplane/common';
import { identityOf, isAlive, type ProcessIdentity } from '../cluster/processes.ts';

/** Whether there is something at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Runs `work` while no other process holds the lock at `path`; waits until then, or until the signal aborts. */
export async function withLock<T>(
  path: string,
  { report, signal }: { report: (line: string) => void; signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const me = JSON.stringify(await identityOf(process.pid));
  for (let told = false; ; told = true) {
    const taken = await writeFile(path, me, { flag: 'wx' }).then(
      () => true,
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      },
    );
    if (taken) break;
    const holder = await readFile(path, 'utf8').catch(() => '');
    // Empty: it is being written, or was removed since.
    if (holder !== '' && !(await isAlive(JSON.parse(holder) as ProcessIdentity))) {
      await rm(path, { force: true });
      continue;
    }
    if (!told) report('another process does the same work: waiting for it');
    await systemClock.sleep(200, signal);
  }
  try {
    return await work();
  } finally {
    if ((await readFile(path, 'utf8').catch(() => '')) === me) await rm(path, { force: true });
  }
}
