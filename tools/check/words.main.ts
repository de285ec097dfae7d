/** Fails when a file of the repository has a word that docs/glossary.md strikes. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findStruck, struckWords } from './words.ts';

const root = join(import.meta.dirname, '..', '..');
const SKIPPED = ['node_modules', 'dist', 'coverage'];

/** Not written here, or written from what is checked. */
const GENERATED =
  /^(LICENSE|package-lock\.json|tools\/gen\/baseline\/|charts\/chaosplane\/crds\/|packages\/proto\/src\/gen\/)/;

/** The list itself, and its test. */
const ABOUT_WORDS = /^(docs\/glossary\.md|tools\/check\/words[.\w]*\.ts)$/;

const words = struckWords(readFileSync(join(root, 'docs/glossary.md'), 'utf8'));
const exclude = ({ name }: { readonly name: string }): boolean => SKIPPED.includes(name) || name.startsWith('.');
const found = globSync('**/*', { cwd: root, withFileTypes: true, exclude })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
  .filter((path) => ![GENERATED, ABOUT_WORDS].some((pattern) => pattern.test(path)))
  .flatMap((path) => findStruck(words, path, readFileSync(join(root, path), 'utf8')));
for (const line of found) process.stderr.write(`${line}\n`);
process.exitCode = found.length === 0 ? 0 : 1;
