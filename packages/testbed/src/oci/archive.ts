/** OCI archives, which `ctr images import` and `docker load` take: layers are kept, and only assembled again. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { keyOf, packEntries, type ArchiveEntry } from './entry.ts';

/** Part of the key of archives that are made once and kept: another writer makes other archives. */
export const WRITER = import.meta.filename;

const OCI = 'application/vnd.oci.image';

/** A layer on disk. */
export interface Layer {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

/** How a container of the image starts. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly env: readonly string[];
  readonly workingDir?: string;
  /** `uid:gid`; default root. */
  readonly user?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The layer of these entries, made when it is not in the folder yet. */
export async function layerOf(entries: readonly ArchiveEntry[], folder: string): Promise<Layer> {
  const path = join(folder, `${await keyOf(entries)}.tar`);
  const known = await readFile(`${path}.digest`, 'utf8').catch(() => undefined);
  if (known !== undefined) return { path, digest: known, size: (await stat(path)).size };
  const hash = createHash('sha256');
  let size = 0;
  await writeWhole(
    path,
    async (tar) => packEntries(tar, entries),
    (chunk) => {
      hash.update(chunk);
      size += chunk.length;
    },
  );
  const digest = `sha256:${hash.digest('hex')}`;
  await writeFile(`${path}.digest`, digest);
  return { path, digest, size };
}

/** The entries as one compressed archive: the same entries, the same bytes. */
export async function compressed(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const tar = pack();
  const [archive] = await Promise.all([buffer(tar.pipe(createGzip())), packEntries(tar, entries)]);
  return archive;
}

/** An image: its layers from the bottom up, under a name such as `ghcr.io/chaosplane/daemon:0.1.0`. */
export interface Image {
  readonly reference: string;
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
  /** As OCI has it: `amd64`. Default: that of this machine. */
  readonly architecture?: string;
}

/** By what a registry will know an image. */
export interface Digests {
  readonly reference: string;
  /** Of the manifest; of the index, where the image is one of several processors. */
  readonly digest: string;
  readonly manifests: readonly { readonly architecture: string; readonly digest: string }[];
}

/** The digests of these images, without an archive. */
export function digestsOf(...images: readonly Image[]): Digests[] {
  return references(images).map(({ descriptor, reference, manifests }) => {
    return { reference, digest: descriptor.digest, manifests };
  });
}

/** Writes an archive with these images. What they share is in it once. Those of one reference become one index, for several processors. */
export async function writeArchive(path: string, ...images: readonly Image[]): Promise<void> {
  const described = references(images);
  const index = json({ schemaVersion: 2, manifests: described.map(({ descriptor }) => descriptor) });
  const blobs = new Map(described.flatMap((one) => one.blobs.map((blob) => [digestOf(blob), blob])));
  const layers = new Map(images.flatMap((image) => image.layers.map((layer) => [layer.digest, layer])));
  await writeWhole(path, async (tar) => {
    tar.entry({ name: 'oci-layout', mtime }, '{"imageLayoutVersion":"1.0.0"}');
    tar.entry({ name: 'index.json', mtime }, index);
    for (const [digest, blob] of blobs) tar.entry({ name: blobName(digest), mtime }, blob);
    for (const [digest, layer] of layers) {
      const header = { name: blobName(digest), size: layer.size, mtime };
      await pipeline(createReadStream(layer.path), tar.entry(header));
    }
    tar.finalize();
  });
}

/** What the index of an archive says of each reference, and the small blobs to which that leads. */
function references(images: readonly Image[]) {
  const byReference = Map.groupBy(images, ({ reference }) => reference);
  return [...byReference].map(([reference, each]) => {
    const described = each.map((image) => ({ architecture: image.architecture ?? OWN, ...describe(image) }));
    const manifests = described.map(({ architecture, descriptor: { digest } }) => ({ architecture, digest }));
    const tag = reference.slice(reference.lastIndexOf(':') + 1);
    const annotations = { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': tag };
    const blobs = described.flatMap((one) => one.blobs);
    const [only] = described;
    if (described.length === 1 && only !== undefined)
      return { reference, manifests, blobs, descriptor: { ...only.descriptor, annotations } };
    const platforms = described.map(({ architecture, descriptor }) => {
      return { ...descriptor, platform: { architecture, os: 'linux' } };
    });
    const mediaType = `${OCI}.index.v1+json`;
    const index = json({ schemaVersion: 2, mediaType, manifests: platforms });
    const descriptor = { ...blobOf(mediaType, index), annotations };
    return { reference, manifests, blobs: [...blobs, index], descriptor };
  });
}

const OWN = process.arch === 'x64' ? 'amd64' : process.arch;

/** What leads to one image, and the small blobs behind it. */
function describe({ layers, config, architecture = OWN }: Image): {
  readonly descriptor: Descriptor;
  readonly blobs: readonly Buffer[];
} {
  const configBlob = json({
    architecture,
    os: 'linux',
    config: {
      Entrypoint: config.entrypoint,
      Env: config.env,
      ...(config.labels !== undefined && { Labels: config.labels }),
      ...(config.workingDir !== undefined && { WorkingDir: config.workingDir }),
      ...(config.user !== undefined && { User: config.user }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: blobOf(`${OCI}.config.v1+json`, configBlob),
    layers: layers.map(({ digest, size }): Descriptor => ({ mediaType: `${OCI}.layer.v1.tar`, digest, size })),
  });
  return { descriptor: blobOf(`${OCI}.manifest.v1+json`, manifest), blobs: [configBlob, manifest] };
}

const mtime = new Date(0);
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;
const blobName = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

function blobOf(mediaType: string, data: Buffer): Descriptor {
  return { mediaType, digest: digestOf(data), size: data.length };
}

/** Writes a tar beside its place and moves it there, so that no reader ever sees half of one. */
async function writeWhole(
  path: string,
  fill: (tar: Pack) => Promise<void>,
  onChunk: (chunk: Buffer) => void = () => undefined,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const work = await mkdtemp(join(dirname(path), 'writing-'));
  try {
    const tar = pack();
    const seen = new PassThrough();
    seen.on('data', onChunk);
    const partial = join(work, 'archive.tar');
    await Promise.all([fill(tar), pipeline(tar, seen, createWriteStream(partial))]);
    await rename(partial, path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
