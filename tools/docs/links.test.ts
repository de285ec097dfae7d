/** Links between pages lead somewhere: the file is there, and so is the heading. */
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

/** As GitHub names the place of a heading. */
const placeOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** What is wrong with the links of a page. */
async function broken(page: string, text: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const [, to = ''] of text.replaceAll(/```[^]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(to)) continue;
    const [file = '', place] = to.split('#');
    const path = file === '' ? page : join(dirname(page), file);
    if (!existsSync(join(ROOT, path))) wrong.push(to);
    else if (place !== undefined) {
      const headings = (await readFile(join(ROOT, path), 'utf8')).matchAll(/^#+ (.*)$/gm);
      if (![...headings].some(([, heading = '']) => placeOf(heading) === place)) wrong.push(to);
    }
  }
  return wrong;
}

test('each leads somewhere', async () => {
  let pages = 0;
  for await (const page of glob(['*.md', 'docs/**/*.md'], { cwd: ROOT })) {
    expect([page, await broken(page, await readFile(join(ROOT, page), 'utf8'))]).toEqual([page, []]);
    pages++;
  }
  expect(pages).toBeGreaterThan(50);
});

test('one that leads nowhere is found', async () => {
  const text = '[a](install.md) [b](instal.md) [c](install.md#images) [d](install.md#pictures) [e](#nowhere)';
  expect(await broken('docs/security.md', text)).toEqual(['instal.md', 'install.md#pictures', '#nowhere']);
});
