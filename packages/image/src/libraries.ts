/** The shared libraries that programs need, read from their ELF headers: for any processor, also one that this machine has not. */
import { join } from 'node:path';
import { execa } from 'execa';
import type { FileEntry } from '@chaosplane/testbed/oci/entry';
import { firstOf, libraryFolders, type Debian } from './debian.ts';

type Place = Pick<Debian, 'root' | 'architecture'>;

/**
 * All libraries of the programs or libraries, and the dynamic loader, each at the path where the loader looks.
 * @param without names of libraries that are left out, with what only they need.
 * @throws Error naming a library that is missing.
 */
export async function librariesOf(
  binaries: readonly string[],
  debian: Place,
  without: readonly string[] = [],
): Promise<FileEntry[]> {
  const found = new Set<string>();
  const waiting = [...binaries];
  for (let binary = waiting.shift(); binary !== undefined; binary = waiting.shift()) {
    const { loader, needed } = await neededBy(binary);
    const libraries = await Promise.all(
      needed.filter((name) => !without.includes(name)).map((name) => firstOf(name, libraryFolders(debian))),
    );
    const paths = [...(loader === undefined ? [] : [join(debian.root, loader)]), ...libraries];
    for (const path of paths.filter((each) => !found.has(each))) {
      found.add(path);
      waiting.push(path);
    }
  }
  return [...found].map((path): FileEntry => ({ path: place(path, debian), kind: 'file', source: path }));
}

/** What a program or library asks for. */
export async function neededBy(binary: string): Promise<Needed> {
  const { stdout } = await execa('readelf', ['--program-headers', '--dynamic', '--wide', binary], {
    env: { LC_ALL: 'C' },
  });
  return parseReadelf(stdout);
}

interface Needed {
  /** The dynamic loader of a program; libraries name none. */
  readonly loader: string | undefined;
  readonly needed: readonly string[];
}

/** What a program or library asks for, of the output of `readelf`. The loader is not among its libraries, though some name it there. */
export function parseReadelf(output: string): Needed {
  const needed = [...output.matchAll(/\(NEEDED\)\s+Shared library: \[(.+)\]/g)].map(([, name]) => name ?? '');
  return {
    loader: /program interpreter: (.+)\]/.exec(output)?.[1],
    needed: needed.filter((name) => !name.startsWith('ld-linux')),
  };
}

/** Where a path is in an image whose /bin, /sbin, /lib and /lib64 are links into /usr, as in Debian. */
export function place(path: string, { root }: Pick<Debian, 'root'> = { root: '/' }): string {
  return join('/', path.slice(root === '/' ? 0 : root.length))
    .replace(/^\/(?=(?:bin|sbin|lib|lib64)\/)/, '/usr/')
    .slice(1);
}
