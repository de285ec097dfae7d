import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { kinds, resourceDocs, staleResourceDocs } from './resource-docs.ts';
import { renderKind, type Schema } from './resource-page.ts';

const pages = resourceDocs();

test('docs/resources is what the definitions say; otherwise npm run gen was forgotten', async () => {
  expect(await staleResourceDocs(join(import.meta.dirname, '..', '..'))).toEqual([]);
});

test('a folder without pages is stale in all of them', async () => {
  const stale = await staleResourceDocs(join(import.meta.dirname, 'no-such-folder'));
  expect(stale).toHaveLength(kinds().length + 1);
});

test.each(kinds())('the page of $kind has no field without a meaning', ({ plural }) => {
  const rows = (pages.get(`${plural}.md`) ?? '').split('\n').filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(3);
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([]);
});

test('every field is on a page, once: the names of all schemas are found in a row', () => {
  for (const { plural, schema } of kinds())
    for (const [part, { properties = {} }] of Object.entries(schema.properties ?? {}))
      for (const name of Object.keys(properties)) {
        const page = pages.get(`${plural}.md`) ?? '';
        const section = page.split(/^## /m).find((text) => text.startsWith(`${part}\n`)) ?? '';
        expect([plural, part, name, section.match(new RegExp(`^\\| \`${name}\` `, 'gm'))?.length]).toEqual([
          ...[plural, part, name],
          1,
        ]);
      }
});

test('a row tells what is required, defaults, limits, and where the rest is', () => {
  const inner: Schema = { type: 'object', description: 'Far.', properties: { far: { type: 'string' } } };
  const schema: Schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        required: ['one'],
        properties: {
          one: { type: 'integer', minimum: 1, maximum: 9, description: 'First.' },
          two: {
            type: 'array',
            maxItems: 3,
            items: { type: 'object', properties: { in: { enum: ['a', 'b'], default: 'a', description: 'In.' } } },
          },
          three: inner,
        },
      },
    },
  };
  const kind = { kind: 'Thing', plural: 'things', shortNames: [], scope: 'Namespaced', version: 'x/v1', schema };
  const rows = renderKind(kind, { 'spec.three': '[there](there.md)' })
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toEqual([
    '| `one` | required | integer, 1 to 9 | First. |',
    '| `two` | – | list of objects, at most 3 |  |',
    '| `two[].in` | `"a"` | `a`, `b` | In. |',
    '| `three` | – | object | Far. Fields: [there](there.md). |',
  ]);
});
