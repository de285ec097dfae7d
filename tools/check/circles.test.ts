/** No file imports itself by way of others, not even for a type: each can be read after those that it imports. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../..');

/** By file: those that it imports by a relative path. */
async function importsIn(folder: string): Promise<Map<string, readonly string[]>> {
  const names = await readdir(folder, { recursive: true });
  const paths = names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
  const entries = paths.map(async (path): Promise<[string, readonly string[]]> => {
    const { importedFiles } = ts.preProcessFile(await readFile(path, 'utf8'), true, true);
    const own = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));
    return [path, own.map((name) => join(dirname(path), name))];
  });
  return new Map(await Promise.all(entries));
}

/** The circles that a walk from each file meets first, each as the files on it. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const circles: string[][] = [];
  const walk = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) circles.push(way.slice(at));
    if (at >= 0 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) walk(path, []);
  return circles;
}

test('a circle is found', () => {
  const imports = new Map([
    ['a', ['b', 'c']],
    ['b', ['c']],
    ['c', ['d']],
    ['d', ['b']],
  ]);
  expect(circlesOf(imports)).toEqual([['b', 'c', 'd']]);
});

test('no package has one', async () => {
  const packages = await readdir(join(ROOT, 'packages'));
  const found = await Promise.all(
    packages.map(async (name) => circlesOf(await importsIn(join(ROOT, 'packages', name, 'src')))),
  );
  const named = found.flat().map((circle) => circle.map((path) => relative(ROOT, path)).join(' → '));
  expect(named).toEqual([]);
}, 60_000);
