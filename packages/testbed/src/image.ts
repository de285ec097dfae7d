/** Builds the test bed's images offline, once per content: the application, with a static busybox where there is one, and bare. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { bringGo } from './go.ts';
import { layerOf, writeArchive, WRITER } from './oci/archive.ts';
import type { ArchiveEntry } from './oci/entry.ts';
import { patiently } from './patience.ts';
import { firstExisting } from './prerequisites.ts';

/** The image's name in the runtime. */
export const APP_IMAGE = 'chaosplane.test/app:1';
/** The same without a shell, or anything else. */
export const BARE_IMAGE = 'chaosplane.test/bare:1';
const SOURCE = join(import.meta.dirname, '../app');
const APPLETS = ['sh', 'ps', 'cat', 'ls', 'ip', 'ping', 'nc', 'sleep', 'wget'];

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** The static busybox of this machine; absent when it has none: a dynamic one would not start in an image. */
export async function staticBusybox(): Promise<string | undefined> {
  const path = await firstExisting(['/bin/busybox', '/usr/bin/busybox']);
  return path === undefined || (await readFile(path)).includes('/ld-linux') ? undefined : path;
}

/** `bin/busybox`, and a link to it for each applet. */
export function busyboxEntries(source: string, applets: readonly string[]): ArchiveEntry[] {
  const links = applets.map((name): ArchiveEntry => ({ path: `bin/${name}`, kind: 'link', to: 'busybox' }));
  return [{ path: 'bin/busybox', kind: 'file', source }, ...links];
}

/** The path of the image's OCI archive, built when it is not in `cacheFolder` yet. Throws what `go build` says. */
export async function appArchive(cacheFolder: string, report: (line: string) => void): Promise<string> {
  const go = await bringGo(report);
  const env = { ...go.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', GOPROXY: 'off' };
  const shell = await staticBusybox();
  const sources = (await readdir(SOURCE)).sort();
  const parts = [
    ...(await Promise.all(sources.map((name) => readFile(join(SOURCE, name))))),
    await readFile(import.meta.filename),
    await readFile(WRITER),
    Buffer.from((await execa(go.program, ['version'], { env })).stdout),
    shell === undefined ? Buffer.alloc(0) : await readFile(shell),
  ];
  const path = join(cacheFolder, `app-${sha256(Buffer.concat(parts)).slice(0, 16)}.tar`);
  if ((await firstExisting([path])) !== undefined) return path;
  report('building the application image (once)');
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, 'build-'));
  try {
    const argv = ['build', '-trimpath', '-buildvcs=false', '-o', join(work, 'app'), '.'];
    await patiently(
      report,
      (seconds) => `the application image: ${seconds} s so far, 20 to 40 s on a quiet machine`,
      () => execa(go.program, argv, { cwd: SOURCE, env }),
    );
    const bare: ArchiveEntry[] = [{ path: 'chaosplane-app', kind: 'file', source: join(work, 'app') }];
    const entries = [...bare, ...(shell === undefined ? [] : busyboxEntries(shell, APPLETS))];
    const config = { entrypoint: ['/chaosplane-app'], env: ['PATH=/bin:/'] };
    const image = async (reference: string, content: readonly ArchiveEntry[]) => ({
      reference,
      layers: [await layerOf(content, work)],
      config,
    });
    await writeArchive(path, await image(APP_IMAGE, entries), await image(BARE_IMAGE, bare));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}
