/** What lies in an image: files, folders and links by their path, and how they become a layer. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';

/** One path of an image, without a slash in front. All of them belong to root. */
export type ArchiveEntry =
  | { readonly path: string; readonly kind: 'folder'; readonly mode?: number }
  | { readonly path: string; readonly kind: 'link'; readonly to: string }
  /** Default mode: 0644. */
  | { readonly path: string; readonly kind: 'text'; readonly text: string | Buffer; readonly mode?: number }
  | FileEntry;

/** A file of this machine. Default mode: 0755. */
export interface FileEntry {
  readonly path: string;
  readonly kind: 'file';
  readonly source: string;
  readonly mode?: number;
}

/** The same time for everything, so that the same content is the same image. */
const mtime = new Date(0);

/** Appends the entries in the order of their paths, each folder before what is in it. */
export async function packEntries(tar: Pack, entries: readonly ArchiveEntry[]): Promise<void> {
  for (const entry of withFolders(entries)) await packEntry(tar, entry);
  tar.finalize();
}

async function packEntry(tar: Pack, entry: ArchiveEntry): Promise<void> {
  const { path: name } = entry;
  switch (entry.kind) {
    case 'folder':
      tar.entry({ name, type: 'directory', mode: entry.mode ?? 0o755, mtime });
      return;
    case 'link':
      tar.entry({ name, type: 'symlink', linkname: entry.to, mtime });
      return;
    case 'text':
      tar.entry({ name, mode: entry.mode ?? 0o644, mtime }, entry.text);
      return;
    case 'file': {
      const { size } = await stat(entry.source);
      await pipeline(createReadStream(entry.source), tar.entry({ name, mode: entry.mode ?? 0o755, size, mtime }));
    }
  }
}

/** Folders that are only implied are said: some runtimes give them odd rights otherwise. */
function withFolders(entries: readonly ArchiveEntry[]): ArchiveEntry[] {
  const said = new Map<string, ArchiveEntry>();
  for (const { path } of entries) {
    const parts = path.split('/');
    parts.slice(1).forEach((_, index) => {
      const folder = parts.slice(0, index + 1).join('/');
      said.set(folder, { path: folder, kind: 'folder' });
    });
  }
  for (const entry of entries) said.set(entry.path, entry);
  return [...said.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** A short name of the content. Files of this machine are known by size and time; reading them all takes too long. */
export async function keyOf(entries: readonly ArchiveEntry[]): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of withFolders(entries)) {
    const { kind } = entry;
    const more = kind === 'file' ? await stat(entry.source).then(({ size, mtimeMs }) => [size, mtimeMs]) : [];
    const text = kind === 'text' ? createHash('sha256').update(entry.text).digest('hex') : '';
    hash.update(JSON.stringify([{ ...entry, text }, more]));
  }
  return hash.digest('hex').slice(0, 24);
}
