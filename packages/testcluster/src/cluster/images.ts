/** The images that every node has: pause, busybox and CoreDNS, in one OCI archive that is made offline, once per content. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { busyboxEntries, staticBusybox } from '@chaosplane/testbed';
import { layerOf, writeArchive, WRITER } from '@chaosplane/testbed/oci';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';

export const PAUSE_IMAGE = 'chaosplane.test/pause:1';
export const BUSYBOX_IMAGE = 'chaosplane.test/busybox:1';
export const COREDNS_IMAGE = 'chaosplane.test/coredns:1';

/** The path of the archive, in the folder of the programs. Throws when this machine has no static busybox. */
export async function baseImages(programs: string): Promise<string> {
  const busybox = await staticBusybox();
  if (busybox === undefined) throw new Error('this machine has no static busybox: apt-get install busybox-static');
  const hash = createHash('sha256');
  for (const file of [busybox, import.meta.filename, WRITER]) hash.update(await readFile(file));
  const path = join(programs, `images-${hash.digest('hex').slice(0, 12)}.tar`);
  if (existsSync(path)) return path;
  const applets = (await execa(busybox, ['--list'])).stdout.split('\n').filter((name) => name !== 'busybox');
  const work = await mkdtemp(join(programs, 'images-'));
  try {
    const shell = await layerOf(
      [
        ...busyboxEntries(busybox, applets),
        ...['etc', 'root', 'var'].map((name): ArchiveEntry => ({ path: name, kind: 'folder' })),
        { path: 'tmp', kind: 'folder', mode: 0o1777 },
      ],
      work,
    );
    const dns = await layerOf([{ path: 'coredns', kind: 'file', source: join(programs, 'coredns') }], work);
    const sleeps = { entrypoint: ['/bin/sleep', '2147483647'], env };
    await writeArchive(
      path,
      { reference: PAUSE_IMAGE, layers: [shell], config: sleeps },
      { reference: BUSYBOX_IMAGE, layers: [shell], config: sleeps },
      { reference: COREDNS_IMAGE, layers: [dns], config: { entrypoint: ['/coredns'], env } },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}

const env = ['PATH=/bin'];
