/** `npm run image` as a user runs it, from any folder that has the sources. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';

export const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

/** What `npm run image` reads of the repository. */
const READ = [
  'package.json',
  'package-lock.json',
  'packages',
  'tools/image',
  'tools/test/packages.ts',
  'tools/test/layers.ts',
];

/** The sources and the dependencies in another folder, with other times. */
export async function copyRepository(folder: string): Promise<void> {
  for (const name of READ) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await cp(join(ROOT, name), join(folder, name), { recursive: true, verbatimSymlinks: true });
  }
  // Without a copy of each byte, where both are on one file system.
  const linked = await execa('cp', ['--archive', '--link', join(ROOT, 'node_modules'), folder], { reject: false });
  if (linked.failed) await execa('cp', ['--archive', join(ROOT, 'node_modules'), folder]);
}

/** Builds into `out`, with nothing kept from before. */
export async function build(
  root: string,
  { out, cache, args = [], env = {} }: { out: string; cache: string; args?: string[]; env?: NodeJS.ProcessEnv },
): Promise<void> {
  await mkdir(cache, { recursive: true });
  await execa(process.execPath, [join(root, 'tools/image/main.ts'), 'all', '--out', out, ...args], {
    cwd: root,
    env: { ...env, XDG_CACHE_HOME: cache },
  });
}

/** SHA-256 of a file, in hex. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
