/** What belongs into an image as files below a folder of this machine. */
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';

/** Writes the entries below the folder, with their modes. It may hold others already. */
export async function layOut(folder: string, entries: readonly ArchiveEntry[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const links = entries.filter(({ kind }) => kind === 'link');
  // Links to folders last: what lies behind them is named by its true path.
  for (const entry of [...entries.filter(({ kind }) => kind !== 'link'), ...links]) {
    const path = join(folder, entry.path);
    await mkdir(entry.kind === 'folder' ? path : dirname(path), { recursive: true });
    if (entry.kind === 'file') await copyFile(entry.source, path);
    if (entry.kind === 'text') await writeFile(path, entry.text);
    if (entry.kind === 'link') await symlink(entry.to, path);
    else await chmod(path, entry.mode ?? (entry.kind === 'text' ? 0o644 : 0o755));
  }
}
