/** Files stay small; lint holds the longest, and this the middle one. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { execa } from 'execa';

const ROOT = join(import.meta.dirname, '../..');

test('the median of the source files has 70 lines at most', async () => {
  const { stdout } = await execa('git', ['ls-files', 'packages/*/src/*.ts'], { cwd: ROOT });
  const sources = stdout.split('\n').filter((path) => !path.endsWith('.test.ts') && !path.includes('/gen/'));
  const texts = await Promise.all(sources.map((path) => readFile(join(ROOT, path), 'utf8').catch(() => undefined)));
  const lines = texts.flatMap((text) => (text === undefined ? [] : [text.trimEnd().split('\n').length]));
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.toSorted((a, b) => a - b)[lines.length >> 1]).toBeLessThanOrEqual(70);
});
