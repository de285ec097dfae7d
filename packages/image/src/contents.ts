/** What lies in the images: node and its libraries in both; traffic control, nftables and stress-ng in the daemon's; our bundles. */
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';
import { bundle, type ImageName } from './bundle.ts';
import { koffiFolder, packagesOf, type Debian, type DebianPackage } from './debian.ts';
import { baseFiles, koffiFiles, notesOf, programFiles, type Files } from './files.ts';
import { lockedPackages, type NpmPackage } from './npm.ts';

/** A layer of an image. */
export interface Part {
  readonly name: 'base' | 'programs' | 'native' | 'bundle';
  readonly entries: readonly ArchiveEntry[];
}

/** What an image consists of. */
export interface Contents {
  /** From the bottom up. What changes with every commit comes last: nodes keep the layers that they have. */
  readonly parts: readonly Part[];
  /** Whose files were copied, sorted by name. */
  readonly debianPackages: readonly DebianPackage[];
  /** What the bundles are made of, but for ChaosPlane's own packages, and the native library; sorted by their folders. */
  readonly npmPackages: readonly NpmPackage[];
  readonly debian: Debian;
}

/** Where an image is made. */
export interface Workshop {
  /** The folder with the sources and node_modules. */
  readonly repository: string;
  readonly debian: Debian;
  /** Where what is made of node and of libraries is kept. */
  readonly cacheFolder: string;
}

/**
 * Everything that is in an image.
 * @throws Error naming what the Debian lacks.
 */
export async function contentsOf(image: ImageName, { repository, debian, cacheFolder }: Workshop): Promise<Contents> {
  const base = await baseFiles(debian, cacheFolder);
  const below = await packagesOf(debian, base.copied.map(sourceOf));
  const { entries, inputs } = await bundle(repository, image);
  const bottom: Part = { name: 'base', entries: [...base.made, ...base.copied, ...(await notesOf(below, debian))] };
  if (image === 'operator') {
    const npmPackages = await lockedPackages(repository, inputs);
    return { parts: [bottom, { name: 'bundle', entries }], debianPackages: below, npmPackages, debian };
  }
  const programs = without(await programFiles(debian, cacheFolder), base);
  const owners = await packagesOf(debian, programs.copied.map(sourceOf));
  const added = owners.filter(({ name }) => !below.some((known) => known.name === name));
  const noted = await notesOf(added, debian);
  return {
    parts: [
      bottom,
      { name: 'programs', entries: [...programs.made, ...programs.copied, ...noted] },
      { name: 'native', entries: await koffiFiles(repository, debian) },
      { name: 'bundle', entries },
    ],
    debianPackages: [...below, ...added].toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    npmPackages: await lockedPackages(repository, [
      ...inputs,
      'node_modules/koffi/package.json',
      `${koffiFolder(debian.architecture)}/package.json`,
    ]),
    debian,
  };
}

/** What is in a layer below is not in another one once more. */
function without({ made, copied }: Files, below: Files): Files {
  const known = new Set(below.copied.map(({ path }) => path));
  return { made, copied: copied.filter(({ path }) => !known.has(path)) };
}

const sourceOf = ({ source }: Files['copied'][number]): string => source;
