/** docs/troubleshooting.md quotes messages and reasons that the sources still have. */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { experimentReasons } from '@chaosplane/api';

const ROOT = join(import.meta.dirname, '../..');

const page = await readFile(join(ROOT, 'docs/troubleshooting.md'), 'utf8');

/** The quotes of the first column. */
const quotes = [...page.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, cell = '']) =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, quote = '']) => quote),
);

const sources: string[] = [];
for await (const path of glob('packages/*/src/**/*.ts', { cwd: ROOT, exclude: (name) => name.endsWith('.test.ts') }))
  sources.push(await readFile(join(ROOT, path), 'utf8'));

/** Whether one source has all of the words that stand between `…`. */
function isSaid(quote: string): boolean {
  const parts = quote.split('…').map((part) => part.replace(/^[/ :.]+|[/ :.]+$/g, ''));
  const words = parts.filter((part) => part.length > 2);
  return words.length > 0 && sources.some((text) => words.every((word) => text.includes(word)));
}

test('every message that is quoted is in the sources', () => {
  expect(quotes.length).toBeGreaterThan(30);
  expect(quotes.filter((quote) => !isSaid(quote))).toEqual([]);
});

test('one that no source has would be found', () => {
  for (const quote of ['the daemon of … does not reply', 'NoTargets', '…', 'has … no journal in …'])
    expect([quote, isSaid(quote)]).toEqual([quote, false]);
});

test('the reasons for which an experiment is not begun, or does not end, have a row', () => {
  const reasons = [
    ...experimentReasons.Selected.filter((reason) => reason !== 'TargetsChosen'),
    ...experimentReasons.Stuck,
  ];
  for (const reason of reasons) expect(quotes).toContain(reason);
});
