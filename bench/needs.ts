/** What benches need of the machine: found, or brought with a line that says so. */
import { packages as testbedPackages } from '@chaosplane/testbed';
import type { DebianPackages } from '@chaosplane/testcluster';
import { kernelPackages } from '../tools/test/layers.ts';
import { missing, provide } from '../tools/test/packages.ts';

/** For pods of a test bed, and for faults in namespaces without one. */
export const benchPackages: DebianPackages = { ...kernelPackages, ...testbedPackages };

/** To compile what calls C: Chaos Mesh's daemon. */
export const compilerPackages: DebianPackages = { gcc: ['/usr/bin/gcc'], 'libc6-dev': ['/usr/include/stdio.h'] };

/** What this machine lacks, and cannot be given. */
export class Lacking extends Error {}

/**
 * Installs the Debian packages that are missing.
 * @throws Lacking with what has to be installed by hand, or that it needs root.
 */
export async function bringPackages(
  packages: DebianPackages,
  purpose: string,
  say: (line: string) => void,
): Promise<void> {
  const why = await provide(missing(packages), purpose, say);
  if (why !== undefined) throw new Lacking(`${purpose} ${why}`);
  if (process.getuid?.() !== 0) throw new Lacking(`${purpose} needs root: run the same command with sudo`);
}

/** For a program: it ends with 2 and a line where the machine lacks something. */
export async function orEnd<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Lacking)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(2);
  }
}
