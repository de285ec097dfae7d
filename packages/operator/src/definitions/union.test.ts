import { expect, test } from '@jest/globals';
import type { Definition, Schema } from './definition.ts';
import { fieldsMissing, unionOf } from './union.ts';

const text: Schema = { type: 'string' };
const object = (properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema => {
  return { type: 'object', ...more, properties };
};

function specOf(...versions: readonly (readonly [string, Schema])[]): Definition['spec'] {
  return {
    group: 'chaos.example',
    scope: 'Namespaced',
    names: { kind: 'Storm', plural: 'storms' },
    versions: versions.map(([name, schema], index) => {
      return { name, served: true, storage: index === versions.length - 1, schema: { openAPIV3Schema: schema } };
    }),
  };
}

const schemaOf = ({ versions }: Definition['spec'], name = 'v1'): Schema | undefined =>
  versions.find((version) => version.name === name)?.schema?.openAPIV3Schema;

const older = specOf([
  'v1',
  object({ spec: object({ wind: { type: 'integer', maximum: 5 } }, { required: ['wind'] }) }),
]);
const newer = specOf([
  'v1',
  object({
    spec: object({ wind: { type: 'integer', maximum: 9 }, rain: object({ mm: { type: 'integer', default: 1 } }) }),
    status: object({ drops: { type: 'array', items: object({ at: text }) } }),
  }),
]);

test('the first definition of a kind is as it is wanted', () => {
  expect(unionOf(newer, undefined)).toEqual({ spec: newer, kept: [] });
});

test('a newer definition replaces an older one, and nothing of that stays', () => {
  expect(unionOf(newer, older)).toEqual({ spec: newer, kept: [] });
});

test('an older definition keeps the fields of a newer one, has its own limits, and gives no defaults that it does not know', () => {
  const { spec, kept } = unionOf(older, newer);
  expect(kept).toEqual(['v1 spec.rain', 'v1 status']);
  const rain = object({ mm: { type: 'integer' } });
  expect(schemaOf(spec)).toEqual(
    object({
      spec: object({ wind: { type: 'integer', maximum: 5 }, rain }, { required: ['wind'] }),
      status: object({ drops: { type: 'array', items: object({ at: text }) } }),
    }),
  );
});

test('what is kept goes on being kept, and the newer definition takes its place again', () => {
  const back = unionOf(older, newer).spec;
  expect(unionOf(older, back)).toEqual({ spec: back, kept: ['v1 spec.rain', 'v1 status'] });
  expect(unionOf(newer, back)).toEqual({ spec: newer, kept: [] });
});

test('fields of items and of maps are kept as well', () => {
  const deep = (fields: Readonly<Record<string, Schema>>): Definition['spec'] =>
    specOf([
      'v1',
      object({
        list: { type: 'array', items: object(fields) },
        map: { type: 'object', additionalProperties: object(fields) },
      }),
    ]);
  const { spec, kept } = unionOf(deep({ a: text }), deep({ a: text, b: { type: 'boolean', default: true } }));
  expect(kept).toEqual(['v1 list[].b', 'v1 map{}.b']);
  expect(spec).toEqual(deep({ a: text, b: { type: 'boolean' } }));
});

test('a field whose type has changed is as it is wanted: nothing of the other can be kept', () => {
  const kinds = [text, { type: 'object', additionalProperties: text }, object({ b: text })];
  for (const wanted of kinds)
    for (const found of kinds.filter((kind) => kind !== wanted)) {
      const [ours, theirs] = [specOf(['v1', object({ a: wanted })]), specOf(['v1', object({ a: found })])];
      expect(unionOf(ours, theirs)).toEqual({ spec: ours, kept: [] });
    }
});

test('a version that only the cluster has stays, for the API server lets none go that objects were stored in', () => {
  const two = specOf(['v1', object({ a: text })], ['v2', object({ b: text })]);
  const { spec, kept } = unionOf(specOf(['v1', object({ a: text })]), two);
  expect(kept).toEqual(['v2']);
  expect(spec.versions.map(({ name, storage }) => [name, storage])).toEqual([
    ['v1', true],
    ['v2', false],
  ]);
});

test('what a schema lacks is named by its path, without what is below it', () => {
  const known = schemaOf(newer) ?? {};
  expect(fieldsMissing(object({ spec: object({ wind: text }) }), known)).toEqual(['spec.rain', 'status']);
  expect(fieldsMissing(object({ ...known.properties, more: text }), known)).toEqual([]);
});
