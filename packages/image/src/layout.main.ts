/** `node packages/image/src/layout.main.ts IMAGE FOLDER`: writes each layer of an image into a folder of its name. The Dockerfiles call it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentsOf } from './contents.ts';
import { thisMachine } from './debian.ts';
import { layOut } from './layout.ts';

const [image, folder] = process.argv.slice(2);
if ((image !== 'operator' && image !== 'daemon') || folder === undefined) {
  throw new Error('usage: node packages/image/src/layout.main.ts operator|daemon FOLDER');
}

const repository = join(import.meta.dirname, '../../..');
const cacheFolder = await mkdtemp(join(tmpdir(), 'chaosplane-image-'));
try {
  const { parts } = await contentsOf(image, { repository, debian: await thisMachine(repository), cacheFolder });
  for (const { name, entries } of parts) await layOut(join(folder, name), entries);
} finally {
  await rm(cacheFolder, { recursive: true, force: true });
}
