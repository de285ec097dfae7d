/** Node.js without its table of symbols, which is a seventh of it; what native libraries look up by name stays. */
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { machines, type Debian } from './debian.ts';

/** The program, made unless the folder has it. */
export async function strippedNode(
  { node, architecture }: Pick<Debian, 'node' | 'architecture'>,
  cacheFolder: string,
): Promise<string> {
  const { size, mtimeMs } = await stat(node);
  const path = join(cacheFolder, `node-${architecture}-${size}-${Math.round(mtimeMs)}`);
  if (await stat(path).catch(() => undefined)) return path;
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, 'strip-'));
  try {
    await execa(`${machines[architecture].gnu}-linux-gnu-strip`, ['--strip-all', '-o', join(work, 'node'), node]);
    await rename(join(work, 'node'), path);
    return path;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
