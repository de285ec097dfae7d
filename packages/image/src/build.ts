/** Builds the images offline, without a container engine: the same content as the Dockerfiles in images/. */
import { mkdir, mkdtemp, readdir, realpath, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { layerOf, writeArchive } from '@chaosplane/testbed/oci';
import type { ImageName } from './bundle.ts';
import { appEntries, baseEntries, daemonEntries, NON_ROOT } from './contents.ts';

/** Makes glibc give back what buffers have taken, as soon as they are gone. */
const GIVING_BACK = ['MALLOC_ARENA_MAX=2', 'MALLOC_MMAP_THRESHOLD_=65536', 'MALLOC_TRIM_THRESHOLD_=131072'];

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
}

/**
 * Both images as OCI archives, and where they lie. What has not changed is not built again.
 * @throws Error naming the Debian package when this machine lacks something that belongs into an image.
 */
export async function buildImages(options: BuildOptions): Promise<Record<ImageName, string>> {
  const operator = await buildImage('operator', options);
  return { operator, daemon: await buildImage('daemon', options) };
}

/** One image as an OCI archive, and where it lies. */
export async function buildImage(image: ImageName, options: BuildOptions): Promise<string> {
  const { cacheFolder, report, references = testImages } = options;
  const base = await baseEntries(await strippedNode(cacheFolder, report));
  // The bundle changes with every commit and comes last: nodes keep the layers that they have.
  const parts = [base, ...(image === 'daemon' ? [await daemonEntries()] : []), ...(await appEntries(ROOT, image))];
  const layers = [];
  for (const entries of parts) layers.push(await layerOf(entries, join(cacheFolder, 'layers')));
  const reference = references[image];
  const name = `${image}-${layers.map(({ digest }) => digest.slice(7, 15)).join('-')}`;
  const path = join(cacheFolder, `${name}-${reference.replaceAll(/[^\w.-]/g, '_')}.tar`);
  if ((await sizeOf(path)) > 0) {
    const now = new Date();
    await utimes(path, now, now);
    return path;
  }
  report(`building the image ${reference}`);
  await forgetOld(cacheFolder);
  await writeArchive(path, {
    reference,
    layers,
    config: {
      entrypoint: ['node', '--max-semi-space-size=4', '/app/main.js'],
      env: ['PATH=/usr/sbin:/usr/bin', 'NODE_ENV=production', ...GIVING_BACK],
      workingDir: '/app',
      ...(image === 'operator' && { user: `${NON_ROOT}:${NON_ROOT}` }),
      labels: {
        'org.opencontainers.image.title': `chaosplane-${image}`,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    },
  });
  return path;
}

/** The node of the npm package, without its symbols where there is a `strip`: they are a seventh of it. */
async function strippedNode(cacheFolder: string, report: (line: string) => void): Promise<string> {
  const node = await realpath(join(ROOT, 'node_modules', '.bin', 'node'));
  const { size, mtimeMs } = await stat(node);
  const path = join(cacheFolder, `node-${size}-${Math.round(mtimeMs)}`);
  if ((await sizeOf(path)) > 0) return path;
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, 'strip-'));
  try {
    const stripped = await execa('strip', ['-s', '-o', join(work, 'node'), node], { reject: false });
    if (stripped.failed) {
      report('the images get node with its symbols: there is no strip (apt-get install binutils)');
      return node;
    }
    await rename(join(work, 'node'), path);
    return path;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Every change of the sources makes an archive; those that were not asked for in a day go. */
async function forgetOld(cacheFolder: string): Promise<void> {
  const before = Date.now() - 24 * 3600_000;
  for (const folder of [cacheFolder, join(cacheFolder, 'layers')]) {
    const archives = (await readdir(folder)).filter((name) => name.endsWith('.tar') || name.endsWith('.digest'));
    for (const path of archives.map((name) => join(folder, name))) {
      if ((await stat(path)).mtimeMs < before) await rm(path, { force: true });
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
