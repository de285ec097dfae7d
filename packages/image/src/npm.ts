/** Which packages of npm the files of a bundle belong to, as the lock file has them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A package of npm. */
export interface NpmPackage {
  /** Where it lies, from the repository on: `node_modules/zod`. */
  readonly folder: string;
  /** With its scope: `@grpc/grpc-js`. */
  readonly name: string;
  readonly version: string;
  /** As SPDX has it. Absent: the lock file names none. */
  readonly license?: string;
  /** Of the archive that npm installs: `sha512-…` in base64. */
  readonly integrity?: string;
}

interface Lock {
  readonly packages: Readonly<Record<string, Omit<NpmPackage, 'folder' | 'name'>>>;
}

/**
 * The packages of these files, each once, sorted by folder. Files of ChaosPlane's own packages are left out.
 * @param files from the repository on.
 * @throws Error naming a package that the lock file does not have.
 */
export async function lockedPackages(repository: string, files: readonly string[]): Promise<NpmPackage[]> {
  const { packages } = JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8')) as Lock;
  const folders = new Set(files.flatMap((file) => folderOf(file) ?? []));
  return [...folders].toSorted().map((folder) => {
    const locked = packages[folder];
    if (locked === undefined) throw new Error(`package-lock.json has no ${folder}`);
    const { version, license, integrity } = locked;
    const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return { folder, name, version, ...(license && { license }), ...(integrity && { integrity }) };
  });
}

/** `node_modules/@a/b` of `node_modules/@a/b/lib/c.js`; undefined for a file of ChaosPlane. */
export function folderOf(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
}
