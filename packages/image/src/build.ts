/** Builds the images without a container engine: the same content as the Dockerfiles in images/. */
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { digestsOf, layerOf, writeArchive, type Digests, type Image } from '@chaosplane/testbed/oci';
import type { ImageName } from './bundle.ts';
import { imageConfig } from './config.ts';
import { contentsOf, type Contents } from './contents.ts';
import { ownArchitecture, thisMachine, type Architecture } from './debian.ts';
import { foreignDebian } from './foreign.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The names of the images in tests; they are imported and never pulled. */
export const testImages: Readonly<Record<ImageName, string>> = {
  operator: 'chaosplane.test/operator:test',
  daemon: 'chaosplane.test/daemon:test',
};

/** What is needed to build. */
export interface BuildOptions {
  /** Where layers and archives are kept between builds. */
  readonly cacheFolder: string;
  readonly report: (line: string) => void;
  /** Default: the names of the tests. */
  readonly references?: Readonly<Record<ImageName, string>>;
  /** For which processors. Default: that of this machine. */
  readonly architectures?: readonly Architecture[];
}

/** An image that was built. */
export interface BuiltImage {
  readonly reference: string;
  /** Where the archive lies. */
  readonly path: string;
  readonly digests: Digests;
  /** One for each processor. */
  readonly contents: readonly Contents[];
}

/**
 * Both images as OCI archives, and where they lie. What has not changed is not built again.
 * @throws Error naming the Debian package when this machine lacks something that belongs into an image.
 */
export async function buildImages(options: BuildOptions): Promise<Record<ImageName, string>> {
  const operator = await buildImage('operator', options);
  return { operator: operator.path, daemon: (await buildImage('daemon', options)).path };
}

/** One image as an OCI archive; of several processors, it is an index of images. */
export async function buildImage(image: ImageName, options: BuildOptions): Promise<BuiltImage> {
  const { cacheFolder, report, references = testImages, architectures = [ownArchitecture()] } = options;
  const reference = references[image];
  const images: Image[] = [];
  const contents: Contents[] = [];
  for (const architecture of architectures) {
    const debian =
      architecture === ownArchitecture()
        ? await thisMachine(ROOT)
        : await foreignDebian(architecture, { repository: ROOT, cacheFolder, report });
    const one = await contentsOf(image, { repository: ROOT, debian, cacheFolder });
    const layers = [];
    for (const { entries } of one.parts) layers.push(await layerOf(entries, join(cacheFolder, 'layers')));
    images.push({ reference, layers, architecture, config: imageConfig(image) });
    contents.push(one);
  }
  const [digests] = digestsOf(...images);
  if (digests === undefined) throw new Error('an image is for one processor at least');
  // The name of the image is in the archive, and not in its digest.
  const path = join(
    cacheFolder,
    `${image}-${digests.digest.slice(7, 31)}-${reference.replaceAll(/[^\w.-]/g, '_')}.tar`,
  );
  if (await isThere(path)) {
    const now = new Date();
    await utimes(path, now, now);
  } else {
    report(`building the image ${reference}`);
    await forgetOld(cacheFolder);
    await writeArchive(path, ...images);
  }
  return { reference, path, digests, contents };
}

/** Every change of the sources makes an archive; those that were not asked for in a day go. */
async function forgetOld(cacheFolder: string): Promise<void> {
  const before = Date.now() - 24 * 3600_000;
  for (const folder of [cacheFolder, join(cacheFolder, 'layers')]) {
    await mkdir(folder, { recursive: true });
    const archives = (await readdir(folder)).filter((name) => name.endsWith('.tar') || name.endsWith('.digest'));
    for (const path of archives.map((name) => join(folder, name))) {
      if ((await stat(path)).mtimeMs < before) await rm(path, { force: true });
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    ({ size }) => size > 0,
    () => false,
  );
}
