/** One daemon per state folder: two would undo each other's work. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { ChaosError } from '@chaosplane/common';
import { flockExclusive } from '../host/ffi.ts';

/**
 * Holds flock(2) on a file in the folder; the kernel lets go of it however the process ends.
 * @throws ChaosError FAILED_PRECONDITION when another process holds it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await open(join(folder, 'lock'), 'w', 0o600);
  if (!flockExclusive(file.fd)) {
    await file.close();
    const wayOut = 'a node has one daemon: stop that one first';
    throw new ChaosError('FAILED_PRECONDITION', `another daemon keeps its journal in ${folder}: ${wayOut}`);
  }
  return () => file.close();
}
