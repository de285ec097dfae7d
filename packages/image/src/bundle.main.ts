/** `node packages/image/src/bundle.main.ts IMAGE FOLDER`: writes the /app of an image into a folder. The Dockerfiles call it. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { appEntries } from './contents.ts';

const [image, folder] = process.argv.slice(2);
if ((image !== 'operator' && image !== 'daemon') || folder === undefined) {
  throw new Error('usage: node packages/image/src/bundle.main.ts operator|daemon FOLDER');
}

const root = join(import.meta.dirname, '../../..');
for (const entry of (await appEntries(root, image)).flat()) {
  const path = join(folder, entry.path);
  await mkdir(dirname(path), { recursive: true });
  if (entry.kind === 'text') await writeFile(path, entry.text);
  if (entry.kind === 'file') await cp(entry.source, path);
}
