/** An image as a folder of this machine, to run its programs with nothing else around them. */
import { copyFile, chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';
import { appEntries, baseEntries, daemonEntries } from '@chaosplane/image';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

/** Lays out what the daemon's image consists of in an empty folder. */
export async function layOutDaemonImage(folder: string): Promise<void> {
  await layOut(folder, [...(await base()), ...(await daemonEntries()), ...(await appEntries(ROOT, 'daemon')).flat()]);
}

/** Lays out the folders of a Debian, Node.js and its libraries, and nothing else. */
export async function layOutNode(folder: string): Promise<void> {
  await layOut(folder, await base());
}

async function base(): Promise<ArchiveEntry[]> {
  return baseEntries(await realpath(join(ROOT, 'node_modules/.bin/node')));
}

async function layOut(folder: string, entries: readonly ArchiveEntry[]): Promise<void> {
  const links = entries.filter(({ kind }) => kind === 'link');
  // Links to folders last: what lies behind them is named by its true path.
  for (const entry of [...entries.filter(({ kind }) => kind !== 'link'), ...links]) {
    const path = join(folder, entry.path);
    await mkdir(entry.kind === 'folder' ? path : dirname(path), { recursive: true });
    if (entry.kind === 'file') await copyFile(entry.source, path);
    if (entry.kind === 'text') await writeFile(path, entry.text);
    if (entry.kind === 'link') await symlink(entry.to, path);
    else if (entry.kind !== 'folder') await chmod(path, entry.mode ?? (entry.kind === 'text' ? 0o644 : 0o755));
  }
}
