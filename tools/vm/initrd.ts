/** The first file system of the virtual machine: busybox, the modules that mount the real one, and init.sh. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Kernel } from './kernel.ts';

const run = promisify(execFile);

/** What mounts the machine's files and carries output. The rest comes from those files. */
const MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay', 'virtio_console'] as const;

/** The path of the initrd for that kernel, made when it is not in the cache. */
export async function prepareInitrd(kernel: Kernel): Promise<string> {
  const init = join(import.meta.dirname, 'init.sh');
  const key = createHash('sha256')
    .update(await readFile(init))
    .update(MODULES.join())
    .digest('hex')
    .slice(0, 12);
  const path = join(kernel.cache, `initrd-${key}.gz`);
  if (
    await access(path).then(
      () => true,
      () => false,
    )
  ) {
    return path;
  }
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-initrd-'));
  try {
    for (const name of ['bin', 'modules', 'proc', 'sys', 'dev']) await mkdir(join(folder, name));
    await copyFile('/usr/bin/busybox', join(folder, 'bin', 'busybox'));
    await copyFile(init, join(folder, 'init'));
    await run('chmod', ['755', join(folder, 'init'), join(folder, 'bin', 'busybox')]);
    const modules = await moduleFiles(kernel);
    for (const file of modules) await copyFile(file, join(folder, 'modules', basename(file)));
    await writeFile(join(folder, 'modules', 'order'), modules.map((file) => `${basename(file)}\n`).join(''));
    const fresh = `${path}.${process.pid}`;
    await writeFile(fresh, gzipSync(archive(folder, modules), { level: 1 }));
    await rename(fresh, path);
    return path;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** In the order in which they can be loaded. */
async function moduleFiles(kernel: Kernel): Promise<string[]> {
  const files = new Set<string>();
  for (const name of MODULES) {
    const argv = ['-d', kernel.root, '-S', kernel.version, '--show-depends', name];
    const { stdout } = await run('/usr/sbin/modprobe', argv);
    for (const [, file] of stdout.matchAll(/^insmod (\S+)/gm)) if (file !== undefined) files.add(file);
  }
  return [...files];
}

function archive(folder: string, modules: readonly string[]): Buffer {
  const inModules = [...modules.map((file) => basename(file)), 'order'].map((name) => `modules/${name}`);
  const names = ['init', 'bin', 'bin/busybox', 'modules', ...inModules, 'proc', 'sys', 'dev'];
  const options = { cwd: folder, input: names.map((name) => `${name}\n`).join(''), maxBuffer: 1 << 28 };
  const { status, stdout, stderr } = spawnSync('cpio', ['-o', '-H', 'newc', '--quiet'], options);
  if (status !== 0) throw new Error(`cpio failed: ${stderr.toString()}`);
  return stdout;
}
