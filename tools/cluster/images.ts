/** The images that every node has: pause, busybox and CoreDNS, in one OCI archive that is made offline, once per content. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { pack, type Pack } from 'tar-stream';

export const PAUSE_IMAGE = 'chaosplane.test/pause:1';
export const BUSYBOX_IMAGE = 'chaosplane.test/busybox:1';
export const COREDNS_IMAGE = 'chaosplane.test/coredns:1';

const OCI = 'application/vnd.oci.image';
const mtime = new Date(0);
const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

/** The path of the archive, in the folder of the programs. Throws when this machine has no static busybox. */
export async function baseImages(programs: string): Promise<string> {
  const busybox = await readFile(existsSync('/bin/busybox') ? '/bin/busybox' : '/usr/bin/busybox');
  if (busybox.includes('/ld-linux')) throw new Error('this busybox is not static: apt-get install busybox-static');
  const key = sha256(Buffer.concat([busybox, await readFile(import.meta.filename)])).slice(0, 12);
  const path = join(programs, `images-${key}.tar`);
  if (existsSync(path)) return path;
  const applets = (await execa('busybox', ['--list'])).stdout.split('\n').filter((name) => name !== 'busybox');
  const shell = await layer((tar) => {
    for (const name of ['bin', 'etc', 'root', 'var']) tar.entry({ name, type: 'directory', mode: 0o755, mtime });
    tar.entry({ name: 'tmp', type: 'directory', mode: 0o1777, mtime });
    tar.entry({ name: 'bin/busybox', mode: 0o755, mtime }, busybox);
    for (const name of applets) tar.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox', mtime });
  });
  const coredns = await readFile(join(programs, 'coredns'));
  const dns = await layer((tar) => tar.entry({ name: 'coredns', mode: 0o755, mtime }, coredns));
  const forever = ['/bin/sleep', '2147483647'];
  const data = await archive([
    { name: PAUSE_IMAGE, entrypoint: forever, content: shell },
    { name: BUSYBOX_IMAGE, entrypoint: forever, content: shell },
    { name: COREDNS_IMAGE, entrypoint: ['/coredns'], content: dns },
  ]);
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, data);
  await rename(fresh, path);
  return path;
}

async function layer(fill: (tar: Pack) => void): Promise<Buffer> {
  const tar = pack();
  fill(tar);
  tar.finalize();
  return buffer(tar);
}

interface Image {
  readonly name: string;
  readonly entrypoint: readonly string[];
  readonly content: Buffer;
}

async function archive(images: readonly Image[]): Promise<Buffer> {
  const blobs = new Map<string, Buffer>();
  const add = (mediaType: string, data: Buffer): { mediaType: string; digest: string; size: number } => {
    blobs.set(sha256(data), data);
    return { mediaType, digest: `sha256:${sha256(data)}`, size: data.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const manifests = images.map(({ name, entrypoint, content }) => {
    const config = json({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Entrypoint: entrypoint, Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(content)}`] },
    });
    const manifest = json({
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: add(`${OCI}.config.v1+json`, config),
      layers: [add(`${OCI}.layer.v1.tar`, content)],
    });
    const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': '1' };
    return { ...add(`${OCI}.manifest.v1+json`, manifest), annotations };
  });
  return layer((tar) => {
    tar.entry({ name: 'oci-layout', mtime }, '{"imageLayoutVersion":"1.0.0"}');
    tar.entry({ name: 'index.json', mtime }, JSON.stringify({ schemaVersion: 2, manifests }));
    for (const [digest, blob] of blobs) tar.entry({ name: `blobs/sha256/${digest}`, mtime }, blob);
  });
}
