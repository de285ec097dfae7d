/** Each row of docs/compatibility.md names a command that this repository has, or says that it has no test. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { layers } from '../test/layers.ts';
import { longTests } from '../test/long-tests.ts';
import { whyUnproved } from './compatibility.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'compatibility.md'), 'utf8');
const known = {
  layers: layers.map(({ name }) => name),
  longTests: longTests.map(({ name }) => name),
};

test('every row of the page can be tried again, or says that it cannot', () => {
  const { rows, problems } = whyUnproved(page, known);
  expect(problems).toEqual([]);
  expect(rows).toBeGreaterThan(10);
});

const table = (row: string): string => `| runtime | tried |\n| --- | --- |\n${row}\n`;

test.each([
  ['| containerd | `npm test -- runtime` |', []],
  ['| containerd | `npm run test:long -- crio` |', []],
  ['| containerd | no test: not at hand |', []],
  ['| containerd | `npm run test:long -- crioo` |', ['containerd: there is no long test crioo']],
  ['| containerd | `npm test -- run-time` |', ['containerd: there is no layer run-time']],
  ['| containerd | all of it |', ['containerd: names no command, and does not say "no test"']],
])('%s', (row, problems) => {
  expect(whyUnproved(table(row), known).problems).toEqual(problems);
});
