/** The shared libraries that programs of this machine need, found with ldd. */
import { execa } from 'execa';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';

/** All libraries of the programs or libraries, and the dynamic loader, each at the path where the loader looks. */
export async function librariesOf(binaries: readonly string[]): Promise<ArchiveEntry[]> {
  const listings = await Promise.all(binaries.map((binary) => execa('ldd', [binary], { env: { LC_ALL: 'C' } })));
  const paths = listings.flatMap(({ stdout }) => parseLdd(stdout));
  return [...new Set(paths)].map((path): ArchiveEntry => ({ path: place(path), kind: 'file', source: path }));
}

/**
 * The paths in the output of ldd.
 * @throws Error naming a library that is missing.
 */
export function parseLdd(output: string): string[] {
  const missing = /^\s*(\S+) => not found/m.exec(output);
  if (missing !== null) throw new Error(`the library ${missing[1] ?? ''} is missing on this machine`);
  return [...output.matchAll(/(?:^|=>)\s*(\/\S+) \(0x/gm)].map(([, path]) => path ?? '');
}

/** Where a path is in an image whose /bin, /sbin, /lib and /lib64 are links into /usr, as in Debian. */
export function place(path: string): string {
  return path.replace(/^\/(?=(?:bin|sbin|lib|lib64)\/)/, '/usr/').slice(1);
}
