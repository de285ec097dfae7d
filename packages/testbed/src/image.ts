/** Builds the test bed's only image offline, once per content: the application and, where there is one, a static busybox. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { pack } from 'tar-stream';
import { firstExisting } from './prerequisites.ts';

/** The image's name in the runtime. */
export const APP_IMAGE = 'chaosplane.test/app:1';
const SOURCE = join(import.meta.dirname, '../app');
const APPLETS = ['sh', 'ps', 'cat', 'ls', 'ip', 'ping', 'nc', 'sleep', 'wget'];
const OCI = 'application/vnd.oci.image';

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** The static busybox of this machine; absent when it has none (a dynamic one would not start in the image). */
async function busybox(): Promise<Buffer | undefined> {
  const path = await firstExisting(['/bin/busybox', '/usr/bin/busybox']);
  if (path === undefined) return undefined;
  const data = await readFile(path);
  return data.includes('/ld-linux') ? undefined : data;
}

async function layer(app: Buffer, shell: Buffer | undefined): Promise<Buffer> {
  const tar = pack();
  const mtime = new Date(0);
  tar.entry({ name: 'chaosplane-app', mode: 0o755, mtime }, app);
  tar.entry({ name: 'bin', type: 'directory', mode: 0o755, mtime });
  if (shell) {
    tar.entry({ name: 'bin/busybox', mode: 0o755, mtime }, shell);
    for (const name of APPLETS) tar.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox', mtime });
  }
  tar.finalize();
  return buffer(tar);
}

async function archive(content: Buffer): Promise<Buffer> {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const describe = (mediaType: string, data: Buffer): { mediaType: string; digest: string; size: number } => ({
    mediaType,
    digest: `sha256:${sha256(data)}`,
    size: data.length,
  });
  const config = json({
    architecture,
    os: 'linux',
    config: { Entrypoint: ['/chaosplane-app'], Env: ['PATH=/bin:/'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(content)}`] },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: describe(`${OCI}.config.v1+json`, config),
    layers: [describe(`${OCI}.layer.v1.tar`, content)],
  });
  const name = { 'io.containerd.image.name': APP_IMAGE, 'org.opencontainers.image.ref.name': '1' };
  const index = json({
    schemaVersion: 2,
    manifests: [{ ...describe(`${OCI}.manifest.v1+json`, manifest), annotations: name }],
  });
  const tar = pack();
  const mtime = new Date(0);
  tar.entry({ name: 'oci-layout', mtime }, '{"imageLayoutVersion":"1.0.0"}');
  tar.entry({ name: 'index.json', mtime }, index);
  for (const blob of [config, manifest, content]) tar.entry({ name: `blobs/sha256/${sha256(blob)}`, mtime }, blob);
  tar.finalize();
  return buffer(tar);
}

/** The path of the image's OCI archive, built when it is not in `cacheFolder` yet. Throws what `go build` says. */
export async function appArchive(cacheFolder: string, report: (line: string) => void): Promise<string> {
  const go = await firstExisting(['/usr/local/go/bin/go', '/usr/bin/go']);
  if (go === undefined) throw new Error('the test bed needs Go: apt-get install golang-go');
  const env = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', GOPROXY: 'off' };
  const shell = await busybox();
  const sources = (await readdir(SOURCE)).sort();
  const parts = [
    ...(await Promise.all(sources.map((name) => readFile(join(SOURCE, name))))),
    await readFile(import.meta.filename),
    Buffer.from((await execa(go, ['version'], { env })).stdout),
    shell ?? Buffer.alloc(0),
  ];
  const path = join(cacheFolder, `app-${sha256(Buffer.concat(parts)).slice(0, 16)}.tar`);
  if ((await firstExisting([path])) !== undefined) return path;
  report('building the application image (once)');
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, 'build-'));
  try {
    await execa(go, ['build', '-trimpath', '-buildvcs=false', '-o', join(work, 'app'), '.'], { cwd: SOURCE, env });
    const image = await archive(await layer(await readFile(join(work, 'app')), shell));
    await writeFile(join(work, 'image.tar'), image);
    await rename(join(work, 'image.tar'), path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}
