import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { findStruck, struckWords } from './words.ts';

const words = struckWords(await readFile(join(import.meta.dirname, '../../docs/glossary.md'), 'utf8'));

test('the glossary strikes words', () => {
  expect(words).toEqual(expect.arrayContaining(['shape', 'whoever', 'of ours']));
});

test.each([
  ['a word of a comment', '/** Nobody listens there. */', 'nobody'],
  ['a part of an identifier', 'const siteOfTarget = 1;', 'site'],
  ['a type', 'interface ActHands {}', 'hands'],
  ['a part of a name with underlines', 'the_heir', 'heir'],
  ['a phrase', 'a table of ours', 'of ours'],
  ['a phrase over two lines of a comment', ' * a table of\n * ours', 'of ours'],
  ['a part of a constant', 'const AIM_MS = 1;', 'aim'],
])('%s is found', (_name, text, word) => {
  const found = findStruck(words, 'packages/daemon/src/daemon.ts', `\n${text}\n`);
  expect(found).toEqual([expect.stringContaining(`packages/daemon/src/daemon.ts:2: "${word}"`)]);
});

test.each([
  ['what contains a struck word', 'packages/daemon/src/daemon.ts', 'their prerequisites, traffic shaping'],
  ["the journal's field", 'packages/daemon/src/journal/record.ts', "work: { shape: 'act' }"],
  ['what tc does', 'packages/daemon/src/netns/shaping.ts', 'interface Shape {}'],
  ['the name of an action', 'packages/actions/src/catalogue/hello-world.ts', 'export const helloWorld'],
])('%s is allowed', (_name, path, text) => {
  expect(findStruck(words, path, text)).toEqual([]);
});
