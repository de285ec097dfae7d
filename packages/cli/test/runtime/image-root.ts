/** An image as a folder of this machine, to run its programs with nothing else around them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentsOf, layOut, thisMachine, type Contents } from '@chaosplane/image';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

/** Lays out what the daemon's image consists of in an empty folder. */
export async function layOutDaemonImage(folder: string): Promise<void> {
  await laidOut(folder, () => true);
}

/** Lays out the folders of a Debian, Node.js and its libraries, and nothing else. */
export async function layOutNode(folder: string): Promise<void> {
  await laidOut(folder, ({ name }) => name === 'base');
}

async function laidOut(folder: string, wanted: (part: Contents['parts'][number]) => boolean): Promise<void> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'chaosplane-made-'));
  try {
    const { parts } = await contentsOf('daemon', { repository: ROOT, debian: await thisMachine(ROOT), cacheFolder });
    for (const { entries } of parts.filter(wanted)) await layOut(folder, entries);
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}
