/** A Debian of another processor, in a folder: its packages, Node.js and koffi, downloaded by apt and npm. Nothing of it is installed. */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { machines, ownRelease, type Architecture, type Debian } from './debian.ts';
import { DEBIAN_PACKAGES } from './files.ts';

/** What is needed to download. */
export interface ForeignOptions {
  readonly repository: string;
  readonly cacheFolder: string;
  readonly report: (line: string) => void;
}

/** It is downloaded again after a day: Debian mends its packages. */
const FRESH_MS = 24 * 3600_000;

/**
 * The Debian of this processor, of the same release as this machine and from the same mirrors.
 * @throws Error with what apt or npm said.
 */
export async function foreignDebian(architecture: Architecture, options: ForeignOptions): Promise<Debian> {
  const { repository, cacheFolder, report } = options;
  const names = await npmNames(repository, architecture);
  const key = createHash('sha256')
    .update(JSON.stringify([DEBIAN_PACKAGES, names]))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cacheFolder, `debian-${architecture}-${key}`);
  const age = await stat(folder).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Infinity,
  );
  if (age > FRESH_MS) {
    report(`downloading Debian's packages and Node.js for ${architecture}`);
    await mkdir(cacheFolder, { recursive: true });
    const work = await mkdtemp(join(cacheFolder, 'downloading-'));
    try {
      await downloadDebian(architecture, work);
      for (const [part, name] of Object.entries(names)) await downloadNpm(name, join(work, part), work);
      await rm(folder, { recursive: true, force: true });
      await rename(work, folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return {
    architecture,
    root: join(folder, 'root'),
    release: await ownRelease(),
    node: join(folder, 'node/bin/node'),
    nodeVersion: names.node.slice(names.node.lastIndexOf('@') + 1),
    koffi: join(folder, 'koffi'),
  };
}

/** The packages of npm for a processor, in the versions that the lock file has for every one. */
async function npmNames(repository: string, architecture: Architecture): Promise<{ node: string; koffi: string }> {
  const lock = JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  };
  const version = (name: string): string => lock.packages[`node_modules/${name}`]?.version ?? '';
  const { node } = machines[architecture];
  return { node: `node-linux-${node}@${version('node')}`, koffi: `@koromix/koffi-linux-${node}@${version('koffi')}` };
}

async function downloadNpm(name: string, folder: string, work: string): Promise<void> {
  const archives = await mkdtemp(join(work, 'npm-'));
  await execa('npm', ['pack', '--silent', '--pack-destination', archives, name], { cwd: work });
  const [archive = ''] = await readdir(archives);
  await mkdir(folder);
  await execa('tar', ['--extract', '--strip-components=1', '-C', folder, '--file', join(archives, archive)]);
  await rm(archives, { recursive: true });
}

/** apt and dpkg have folders of their own here: the machine's lists and what it has installed stay as they are. */
async function downloadDebian(architecture: Architecture, work: string): Promise<void> {
  const state = join(work, 'apt');
  const archives = join(state, 'cache/archives');
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  await writeFile(join(state, 'status'), '');
  const settings = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'Dir::State': state,
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': join(state, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await execa('apt-get', [...options, 'update']);
  const wanted = ['--download-only', '--yes', '--no-install-recommends', 'install', ...DEBIAN_PACKAGES];
  await execa('apt-get', [...options, ...wanted]);
  const root = join(work, 'root');
  const database = join(root, 'var/lib/dpkg');
  await mkdir(join(database, 'info'), { recursive: true });
  await writeFile(join(database, 'status'), '');
  // Lists of files are named with the architecture, where a package may be there for several.
  await writeFile(join(database, 'info/format'), '1\n');
  const packages = (await readdir(archives)).filter((name) => name.endsWith('.deb')).toSorted();
  for (const name of packages) await unpack(join(archives, name), root, database);
  await rm(state, { recursive: true });
}

/** What dpkg would note of an installed package is noted, so that `dpkg-query` knows whose a file is. */
async function unpack(archive: string, root: string, database: string): Promise<void> {
  await execa('dpkg-deb', ['--extract', archive, root]);
  const { stdout: paragraph } = await execa('dpkg-deb', ['--field', archive]);
  const name = /^Package: (.+)$/m.exec(paragraph)?.[1] ?? '';
  const architecture = /^Architecture: (.+)$/m.exec(paragraph)?.[1] ?? '';
  const same = /^Multi-Arch: same$/m.test(paragraph);
  const { stdout: listing } = await execa('dpkg-deb', ['--contents', archive]);
  const paths = [...listing.matchAll(/ \.(\/.*?)(?: -> .*)?$/gm)].map(([, path]) => path?.replace(/\/$/, '') || '/.');
  await writeFile(join(database, `info/${name}${same ? `:${architecture}` : ''}.list`), `${paths.join('\n')}\n`);
  const status = paragraph.replace(/^Package: .+$/m, (line) => `${line}\nStatus: install ok installed`);
  await appendFile(join(database, 'status'), `${status}\n\n`);
}
