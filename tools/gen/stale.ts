/** Which files of two folders differ. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Paths, relative to the folders, of files that differ or that only one of them has. A folder that is missing is empty. */
export async function staleFiles(committed: string, generated: string): Promise<string[]> {
  const before = await filesOf(committed);
  const after = await filesOf(generated);
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path)).toSorted();
}

/** The text of every file below a folder, by its path there. */
export async function filesOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path, 'utf8')] as const)),
  );
}
