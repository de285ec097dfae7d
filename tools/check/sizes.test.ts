/** Files stay small; lint holds the longest, and this the middle one. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

test('the median of the source files has 70 lines at most', async () => {
  const packages = (await readdir(join(ROOT, 'packages'))).map((name) => join('packages', name, 'src'));
  const paths = await Promise.all(
    packages.map(async (folder) =>
      (await readdir(join(ROOT, folder), { recursive: true })).map((path) => join(folder, path)),
    ),
  );
  const sources = paths.flat().filter((path) => /^(?!.*\/gen\/).*(?<!\.test)\.ts$/.test(path));
  const texts = await Promise.all(sources.map((path) => readFile(join(ROOT, path), 'utf8')));
  const lines = texts.map((text) => text.trimEnd().split('\n').length).toSorted((a, b) => a - b);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines[lines.length >> 1]).toBeLessThanOrEqual(70);
});
