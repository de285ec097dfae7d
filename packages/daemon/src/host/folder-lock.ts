/** One daemon per state folder: two would undo each other's work. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { ChaosError } from '@chaosplane/common';
import { flockExclusive } from './kernel/ffi.ts';

/** Another process keeps its journal in the folder. */
export class FolderHeldError extends ChaosError {
  readonly folder: string;
  /** For people: `process 1234`, or `a process` when it did not say. */
  readonly holder: string;

  constructor(folder: string, holder: string) {
    const wayOut = 'a node has one daemon: stop that one first';
    super('FAILED_PRECONDITION', `another daemon, ${holder}, keeps its journal in ${folder}: ${wayOut}`);
    this.folder = folder;
    this.holder = holder;
  }
}

/**
 * Holds flock(2) on a file in the folder, and notes in it which process does; the kernel lets go of it however the process ends.
 * @throws FolderHeldError FAILED_PRECONDITION when another process holds it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Not emptied before it is held: what stands in it is the holder's.
  const file = await open(join(folder, 'lock'), 'a+', 0o600);
  try {
    if (!flockExclusive(file.fd)) throw new FolderHeldError(folder, holderOf(await file.readFile('utf8')));
    await file.truncate();
    await file.write(`${process.pid}\n`);
  } catch (error) {
    await file.close();
    throw error;
  }
  return () => file.close();
}

function holderOf(text: string): string {
  const pid = /^\d+(?=\n)/.exec(text)?.[0];
  return pid === undefined ? 'a process' : `process ${pid}`;
}
