/** Images that a runtime takes: the layers, and the archive around them. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { extract } from 'tar-stream';
import { layerOf, writeArchive } from './archive.ts';
import { keyOf, type ArchiveEntry } from './entry.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-image-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The entries of a tar by their names. */
async function untar(data: Buffer) {
  const found = new Map<string, { type: string; mode: number; uid: number; linkname: string; data: Buffer }>();
  const tar = Readable.from([data]).pipe(extract());
  for await (const entry of tar) {
    const { name, type, mode, uid, linkname } = entry.header;
    found.set(name.replace(/\/$/, ''), {
      type,
      mode,
      uid,
      linkname: type === 'symlink' ? linkname : '',
      data: await buffer(entry),
    });
  }
  return found;
}

const digestOf = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

async function entries(): Promise<ArchiveEntry[]> {
  const source = join(folder, 'program');
  await writeFile(source, 'binary');
  await utimes(source, 0, 0);
  return [
    { path: 'usr/bin/program', kind: 'file', source },
    { path: 'bin', kind: 'link', to: 'usr/bin' },
    { path: 'tmp', kind: 'folder', mode: 0o1777 },
    { path: 'app/main.js', kind: 'text', text: 'hello' },
  ];
}

test('a layer has every file, link and folder, the implied ones before what is in them, all of root', async () => {
  const layer = await layerOf(await entries(), join(folder, 'layers'));
  const content = await untar(await readFile(layer.path));
  expect([...content].map(([name, { type, mode, linkname }]) => [name, type, mode.toString(8), linkname])).toEqual([
    ['app', 'directory', '755', ''],
    ['app/main.js', 'file', '644', ''],
    ['bin', 'symlink', expect.any(String), 'usr/bin'],
    ['tmp', 'directory', '1777', ''],
    ['usr', 'directory', '755', ''],
    ['usr/bin', 'directory', '755', ''],
    ['usr/bin/program', 'file', '755', ''],
  ]);
  expect(content.get('usr/bin/program')?.data.toString()).toBe('binary');
  expect([...content.values()].every(({ uid }) => uid === 0)).toBe(true);
});

test('the same content is the same layer, and another content another one', async () => {
  const one = await layerOf(await entries(), join(folder, 'one'));
  const again = await layerOf((await entries()).toReversed(), join(folder, 'again'));
  expect(again.digest).toBe(one.digest);
  expect(await layerOf(await entries(), join(folder, 'one'))).toEqual(one);
  const other = await keyOf([...(await entries()), { path: 'more', kind: 'text', text: '' }]);
  expect(other).not.toBe(await keyOf(await entries()));
});

test('an archive names its image, and every blob is what its digest says', async () => {
  const layer = await layerOf(await entries(), join(folder, 'layers'));
  const path = join(folder, 'image.tar');
  const config = { entrypoint: ['node', '/app/main.js'], env: ['A=b'], user: '65532:65532', labels: {} };
  await writeArchive(path, { reference: 'registry:5000/chaosplane/daemon:1', layers: [layer], config });
  const content = await untar(await readFile(path));
  const blobs = [...content].filter(([name]) => name.startsWith('blobs/'));
  expect(blobs).toHaveLength(3);
  for (const [name, { data }] of blobs) expect(name).toBe(`blobs/sha256/${digestOf(data)}`);
  const read = (digest: string): unknown =>
    JSON.parse(content.get(`blobs/${digest.replace(':', '/')}`)?.data.toString() ?? '');
  const index = JSON.parse(content.get('index.json')?.data.toString() ?? '') as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  const [described] = index.manifests;
  expect(described?.annotations).toEqual({
    'io.containerd.image.name': 'registry:5000/chaosplane/daemon:1',
    'org.opencontainers.image.ref.name': '1',
  });
  const manifest = read(described?.digest ?? '') as { config: { digest: string }; layers: { digest: string }[] };
  expect(manifest.layers).toEqual([expect.objectContaining({ digest: layer.digest, size: layer.size })]);
  expect(read(manifest.config.digest)).toMatchObject({
    os: 'linux',
    config: { Entrypoint: ['node', '/app/main.js'], Env: ['A=b'], User: '65532:65532' },
    rootfs: { diff_ids: [layer.digest] },
  });
});

test('an archive of several images has what they share once', async () => {
  const layer = await layerOf(await entries(), join(folder, 'layers'));
  const path = join(folder, 'images.tar');
  const config = { entrypoint: ['/program'], env: [] };
  const image = (reference: string) => ({ reference, layers: [layer], config });
  await writeArchive(path, image('test/one:1'), image('test/two:1'));
  const content = await untar(await readFile(path));
  const index = JSON.parse(content.get('index.json')?.data.toString() ?? '') as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  expect(index.manifests.map(({ annotations }) => annotations['io.containerd.image.name'])).toEqual([
    'test/one:1',
    'test/two:1',
  ]);
  expect([...content.keys()].filter((name) => name.startsWith('blobs/'))).toHaveLength(3);
});
