/** The kernel of the virtual machine: Debian's own, from its package, unpacked once into the user's cache folder. */
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolderOf } from '@chaosplane/common';
import { promisify } from 'node:util';
import { backportedKernel, type AptPackage } from './backports.ts';

const run = promisify(execFile);

/** An unpacked kernel. */
export interface Kernel {
  /** For example 6.1.0-56-amd64. */
  readonly version: string;
  /** The bootable image. */
  readonly image: string;
  /** What `modprobe -d` takes: the folder that holds lib/modules. */
  readonly root: string;
  /** Where what is made from this kernel can be kept. */
  readonly cache: string;
}

/** The kernel that Debian ships now, or the newer one of its backports. */
export type Release = 'stable' | 'backports';

/** Says what is going on, for people. */
export type Report = (line: string) => void;

/** What has to be installed: Debian package → one of its programs. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'qemu-system-x86': '/usr/bin/qemu-system-x86_64',
  'busybox-static': '/usr/bin/busybox',
  kmod: '/usr/sbin/depmod',
  cpio: '/usr/bin/cpio',
  'util-linux': '/usr/bin/setpriv',
  dpkg: '/usr/bin/dpkg',
  apt: '/usr/bin/apt-get',
};

/** Why no virtual machine can run here; absent when one can. */
export async function whyNoVm(): Promise<string | undefined> {
  if (process.arch !== 'x64' || process.platform !== 'linux') {
    return `the virtual machine is for x86-64 Linux, and this is ${process.platform} on ${process.arch}`;
  }
  const missing: string[] = [];
  for (const [name, path] of Object.entries(PROGRAMS)) {
    if (!(await exists(path))) missing.push(name);
  }
  return missing.length === 0 ? undefined : `missing: ${missing.join(', ')} (apt-get install ${missing.join(' ')})`;
}

/**
 * The kernel of that release, or the newest one in the cache when the package lists say nothing. Downloads 70 to 110 MB
 * the first time. Runs at the same time may do that twice; neither sees the other's half-made folder.
 * @throws Error when there is neither a package nor a cached kernel.
 */
export async function prepareKernel(env: NodeJS.ProcessEnv, release: Release, report: Report): Promise<Kernel> {
  const vm = join(cacheFolderOf(env), 'vm');
  const base = release === 'stable' ? vm : join(vm, release);
  await mkdir(base, { recursive: true });
  const found = await (release === 'stable' ? stableKernel() : backportedKernel(base)).catch(async (error: unknown) => {
    const name = await newestCached(base);
    if (name === undefined) throw error;
    return { name, aptOptions: [] };
  });
  const folder = join(base, found.name);
  if (!(await exists(folder))) await unpack(base, found, report);
  const root = join(folder, 'root');
  const [version] = await readdir(join(root, 'lib', 'modules'));
  if (version === undefined) throw new Error(`${folder} holds no kernel: delete it`);
  return { version, image: join(root, 'boot', `vmlinuz-${version}`), root, cache: folder };
}

async function stableKernel(): Promise<AptPackage> {
  const { stdout } = await run('apt-cache', ['depends', 'linux-image-amd64']).catch(() => ({ stdout: '' }));
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (name === undefined)
    throw new Error('the package linux-image-amd64 is unknown here: run apt-get update, on Debian');
  return { name, aptOptions: ['-o', 'APT::Sandbox::User=root'] };
}

async function newestCached(base: string): Promise<string | undefined> {
  const names = (await readdir(base)).filter((name) => name.startsWith('linux-image-'));
  return names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

async function unpack(base: string, { name, aptOptions }: AptPackage, report: Report): Promise<void> {
  const started = await mkdtemp(join(base, 'new-'));
  try {
    report(`downloading ${name} (about 100 MB, once)`);
    await run('apt-get', [...aptOptions, '-qq', 'download', name], { cwd: started });
    const [archive] = await readdir(started);
    if (archive === undefined) throw new Error(`apt-get download ${name} brought nothing`);
    const root = join(started, 'root');
    await run('dpkg', ['-x', join(started, archive), root]);
    const [version = ''] = await readdir(join(root, 'lib', 'modules'));
    await run('/usr/sbin/depmod', ['-b', root, version]);
    await rm(join(started, archive));
    await rename(started, join(base, name));
  } catch (error) {
    await rm(started, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    // Another run was faster.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
