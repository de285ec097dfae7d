import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { crdFiles, staleCrds } from './crds.ts';
import { definitions } from './definitions.ts';
import { withAdditions } from './place.ts';
import { schemaOf } from './render.ts';
import type { Structural } from './structural.ts';

test('the resource definitions of the chart are what the schemas say; otherwise npm run gen was forgotten', async () => {
  expect(await staleCrds(join(import.meta.dirname, '..', '..', '..'))).toEqual([]);
});

test('a folder without definitions is stale in all of them', async () => {
  expect(await staleCrds(join(import.meta.dirname, 'no-such-folder'))).toHaveLength(definitions.length);
});

test.each([...crdFiles()])('%s is below the 256 KiB of an object that kubectl apply can keep', (_name, text) => {
  expect(Buffer.byteLength(text)).toBeLessThan(256 * 1024);
});

test.each(definitions)('kubectl explain has something to say of every field of $kind', (definition) => {
  const silent = (schema: Structural, path: string): string[] =>
    Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
      ...(field.description === undefined ? [`${path}.${name}`] : []),
      ...silent(field, `${path}.${name}`),
      ...silent(field.items ?? {}, `${path}.${name}[]`),
    ]);
  expect(silent(schemaOf(definition), '')).toEqual([]);
});

test.each(definitions)('no schema of $kind has additionalProperties beside properties', (definition) => {
  const walk = (schema: Structural): boolean =>
    !(schema.properties !== undefined && schema.additionalProperties !== undefined) &&
    [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties].every(
      (inner) => inner === undefined || walk(inner),
    );
  expect(walk(schemaOf(definition))).toBe(true);
});

test('additions go to their place, and rules add up', () => {
  const schema: Structural = { type: 'object', properties: { list: { type: 'array', items: { type: 'string' } } } };
  const rule = (text: string): Structural => ({ 'x-kubernetes-validations': [{ rule: text, message: text }] });
  const grown = withAdditions(schema, [
    { at: 'list[]', add: { maxLength: 3 } },
    { at: 'list[]', add: rule('a') },
    { at: 'list[]', add: rule('b') },
  ]);
  expect(grown.properties?.['list']?.items).toEqual({
    type: 'string',
    maxLength: 3,
    'x-kubernetes-validations': [
      { rule: 'a', message: 'a' },
      { rule: 'b', message: 'b' },
    ],
  });
});

test('an addition without a place is refused, so that a renamed field is noticed', () => {
  expect(() => withAdditions({ type: 'object' }, [{ at: 'spec.gone', add: {} }])).toThrow(
    'spec.gone: there is no spec',
  );
});

/** The paths of a schema that have a default. */
function defaultsOf(schema: Structural, path = ''): string[] {
  const parts = Object.entries(schema.properties ?? {}).map(([name, part]) => [`${path}.${name}`, part] as const);
  const inner = [
    [`${path}[]`, schema.items],
    [`${path}{}`, schema.additionalProperties],
  ] as const;
  const below = [...parts, ...inner].flatMap(([at, part]) => (part === undefined ? [] : defaultsOf(part, at)));
  return schema.default === undefined ? below : [path.replace(/^\./, ''), ...below];
}

/** Those of the last release, by kind. A kind that is released later is added with its release. */
const released = JSON.parse(readFileSync(join(import.meta.dirname, '../baseline/defaults.json'), 'utf8')) as Readonly<
  Record<string, readonly string[]>
>;

test.each(definitions)(
  'no field of $kind got a default since: an older operator would abort what has it',
  (definition) => {
    const known = released[definition.kind] ?? defaultsOf(schemaOf(definition));
    expect(defaultsOf(schemaOf(definition)).filter((path) => !known.includes(path))).toEqual([]);
  },
);

test('a later field with a default is found, wherever it is', () => {
  const later: Structural = {
    properties: { list: { type: 'array', items: { properties: { a: { type: 'string', default: 'x' } } } } },
    additionalProperties: { type: 'boolean', default: true },
  };
  expect(defaultsOf(later)).toEqual(['list[].a', '{}']);
});
