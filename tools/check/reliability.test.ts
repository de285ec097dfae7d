/** Every test that docs/reliability.md names is there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');

const page = readFileSync(join(ROOT, 'docs', 'reliability.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| fault'));
const named = [...page.matchAll(/`(packages\/[^`]*\.test\.ts)`, "([^"]*)"/g)].map(([, file = '', title = '']) => ({
  file,
  title,
}));

test.each(named)('$title', ({ file, title }) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toContain(title);
});

test('every fault names one', () => {
  expect(rows.filter((row) => !row.includes('-----') && !row.includes('.test.ts`, "'))).toEqual([]);
  expect(named.length).toBeGreaterThanOrEqual(rows.length - 1);
});
