import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { ImageName } from './bundle.ts';
import { imageConfig } from './config.ts';

/** What the last stage of a Dockerfile says, in the words of an image's config. */
async function dockerfile(image: ImageName) {
  const text = await readFile(join(import.meta.dirname, '../../../images', image, 'Dockerfile'), 'utf8');
  const last = text.slice(text.lastIndexOf('\nFROM '));
  const all = (word: string): string[] =>
    [...last.matchAll(new RegExp(`^${word} (.*)$`, 'gm'))].map(([, rest]) => rest ?? '');
  const pairs = (word: string): string[] => all(word).flatMap((line) => line.split(' '));
  const [user] = all('USER');
  return {
    entrypoint: JSON.parse(all('ENTRYPOINT')[0] ?? '') as unknown,
    env: pairs('ENV'),
    workingDir: all('WORKDIR')[0],
    ...(user !== undefined && { user }),
    labels: Object.fromEntries(pairs('LABEL').map((pair) => pair.split('='))) as unknown,
  };
}

test.each(['operator', 'daemon'] as const)('a container of the %s starts as its Dockerfile says', async (image) => {
  expect(await dockerfile(image)).toEqual(imageConfig(image));
});
