/** Archives of images, opened: what a node gets. */
import { execa } from 'execa';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One image of an archive. */
export interface Unpacked {
  readonly architecture: string;
  /** Its root folder. */
  readonly folder: string;
  /** The bytes of all files of all layers, as they take room on a node. */
  readonly bytes: number;
  /** Of the manifest. */
  readonly digest: string;
}

interface Manifest {
  readonly manifests?: readonly { readonly digest: string; readonly platform?: { readonly architecture: string } }[];
  readonly layers?: readonly { readonly digest: string }[];
  readonly config?: { readonly digest: string };
}

/** Unpacks every image of an archive below a folder. */
export async function unpack(archive: string, into: string): Promise<Unpacked[]> {
  const work = await mkdtemp(join(tmpdir(), 'chaosplane-archive-'));
  try {
    await execa('tar', ['--extract', '-C', work, '--file', archive]);
    const blob = (digest: string): string => join(work, 'blobs', digest.replace(':', '/'));
    const read = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;
    const leaves = async (digest: string): Promise<string[]> => {
      const { manifests } = await read<Manifest>(blob(digest));
      return manifests === undefined
        ? [digest]
        : (await Promise.all(manifests.map((one) => leaves(one.digest)))).flat();
    };
    const { manifests = [] } = await read<Manifest>(join(work, 'index.json'));
    const digests = (await Promise.all(manifests.map(({ digest }) => leaves(digest)))).flat();
    const images: Unpacked[] = [];
    for (const digest of digests) {
      const { layers = [], config } = await read<Manifest>(blob(digest));
      const { architecture } = await read<{ architecture: string }>(blob(config?.digest ?? ''));
      const folder = join(into, architecture);
      await mkdir(folder, { recursive: true });
      let bytes = 0;
      for (const layer of layers) {
        await execa('tar', ['--extract', '-C', folder, '--file', blob(layer.digest)]);
        bytes += await bytesIn(blob(layer.digest));
      }
      images.push({ architecture, folder, bytes, digest });
    }
    return images;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function bytesIn(layer: string): Promise<number> {
  const { stdout } = await execa('tar', ['--list', '--verbose', '--numeric-owner', '--file', layer]);
  return stdout.split('\n').reduce((sum, line) => sum + Number(/^-\S+ +\S+ +(\d+)/.exec(line)?.[1] ?? 0), 0);
}

/** The size of a file, in bytes. */
export const sizeOf = async (path: string): Promise<number> => (await stat(path)).size;

/** The files below a folder, sorted by path, without links and folders. */
export async function filesBelow(folder: string): Promise<{ path: string; size: number; mode: number }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = files.toSorted().map(async (path) => {
    const { size, mode } = await stat(path);
    return { path: path.slice(folder.length + 1), size, mode: mode & 0o7777 };
  });
  return Promise.all(found);
}
