import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { chartValues, describedSchema, staleChartValues, valuesPage, type Schema } from './chart-values.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CHART = join(ROOT, 'charts/chaosplane');

const read = async () => {
  const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')) as Schema;
  return { schema, values: chartValues(await readFile(join(CHART, 'values.yaml'), 'utf8'), schema) };
};

test('the schema and docs/values.md say what values.yaml says; otherwise npm run gen was forgotten', async () => {
  expect(await staleChartValues(ROOT)).toEqual([]);
});

test('every setting has its meaning above it', async () => {
  const { values } = await read();
  expect(values.filter(({ meaning }) => meaning === '').map(({ path }) => path)).toEqual([]);
  expect(values.length).toBeGreaterThan(40);
});

test('the schema has no setting that values.yaml lacks', async () => {
  const { schema, values } = await read();
  const known = new Set(values.map(({ path }) => path));
  const inSchema = (at: Schema, prefix: string): string[] =>
    Object.entries(at.properties ?? {}).flatMap(([name, own]) =>
      own.properties === undefined ? [`${prefix}${name}`] : inSchema(own, `${prefix}${name}.`),
    );
  // Helm itself gives every chart this one.
  expect(inSchema(schema, '').filter((path) => !known.has(path))).toEqual(['global']);
});

const schema: Schema = {
  type: 'object',
  properties: {
    a: {
      type: 'object',
      properties: { first: { type: 'integer', minimum: 1 }, second: { $ref: '#/definitions/level' } },
    },
    free: { type: 'object' },
  },
  definitions: { level: { enum: ['low', 'high'] } },
};
const text =
  '# Of the file.\n\na:\n  # The\n  # first.\n  first: 1\n  # The second.\n  second: low\n# Any.\nfree: { x: 1 }\n';

test('a setting has the comment above it, also the first one of a map, and what its schema allows', () => {
  expect(chartValues(text, schema)).toEqual([
    { path: 'a.first', default: 1, meaning: 'The first.', allowed: 'number from 1 on' },
    { path: 'a.second', default: 'low', meaning: 'The second.', allowed: '`low`, `high`' },
    { path: 'free', default: { x: 1 }, meaning: 'Any.', allowed: 'map' },
  ]);
  const values = chartValues(text, schema);
  expect(describedSchema(schema, values).properties?.['a']?.properties?.['first']).toEqual({
    description: 'The first.',
    type: 'integer',
    minimum: 1,
  });
  expect(valuesPage(values)).toContain('| `free` | `{"x":1}` | map | Any. |');
});

test('a key that the schema does not have is told', () => {
  expect(() => chartValues('b: 1', schema)).toThrow('has b, and');
});
