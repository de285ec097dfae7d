/** Every npm script brings the dependencies first, and what the documents name is there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');
const read = (name: string): Promise<string> => readFile(join(root, name), 'utf8');

async function scripts(): Promise<Readonly<Record<string, string>>> {
  return (JSON.parse(await read('package.json')) as { scripts: Record<string, string> }).scripts;
}

test('each script of package.json begins by bringing the dependencies', async () => {
  const others = Object.entries(await scripts()).filter(([, line]) => !/^node tools\/first\.mjs \S+/.test(line));
  expect(others).toEqual([]);
});

test.each(['README.md', 'CONTRIBUTING.md', 'docs/extending.md', 'docs/performance.md', 'docs/daemon.md'])(
  '%s names scripts that are there',
  async (name) => {
    const named = [...(await read(name)).matchAll(/npm (?:run )?((?<=run )[\w:-]+|test)/g)].map(([, script]) => script);
    expect(named.length).toBeGreaterThan(0);
    const known = Object.keys(await scripts());
    expect(named.filter((script) => script !== undefined && !known.includes(script))).toEqual([]);
  },
);
