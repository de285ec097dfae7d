import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { convert } from './convert.ts';
import type { Structural } from './structural.ts';

const preserve = { 'x-kubernetes-preserve-unknown-fields': true } as const;

const forms: readonly (readonly [string, z.core.$ZodType, Structural])[] = [
  ['a text', z.string(), { type: 'string' }],
  ['a text with limits', z.string().min(1).max(9), { type: 'string', minLength: 1, maxLength: 9 }],
  ['a text of one length', z.string().length(3), { type: 'string', minLength: 3, maxLength: 3 }],
  ['a text with a pattern', z.string().regex(/^[a-z]+$/), { type: 'string', pattern: '^[a-z]+$' }],
  ['a pattern that ignores case', z.string().regex(/^a$/i), { type: 'string', pattern: '(?i)^a$' }],
  ['a URL', z.url({ protocol: /^https?$/ }), { type: 'string', format: 'uri', pattern: '^(?:https?)://' }],
  ['a time', z.iso.datetime(), { type: 'string', format: 'date-time' }],
  ['a whole number', z.int(), { type: 'integer', format: 'int64' }],
  ['a number made whole', z.number().int(), { type: 'integer', format: 'int64' }],
  ['a range', z.int().min(1).max(5), { type: 'integer', format: 'int64', minimum: 1, maximum: 5 }],
  [
    'an open range',
    z.number().gt(0).lt(1),
    { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true },
  ],
  ['a boolean', z.boolean(), { type: 'boolean' }],
  ['one of some texts', z.enum(['one', 'all']), { type: 'string', enum: ['one', 'all'] }],
  ['one text', z.literal('Pod'), { type: 'string', enum: ['Pod'] }],
  [
    'an array',
    z.array(z.string()).min(1).max(2),
    { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 2 },
  ],
  [
    'a map',
    z.record(z.string(), z.int()),
    { type: 'object', additionalProperties: { type: 'integer', format: 'int64' } },
  ],
  ['anything', z.unknown(), preserve],
  ['a text or a number or a boolean', z.union([z.string(), z.number(), z.boolean()]), preserve],
  ['a whole number or a text', z.union([z.int(), z.string()]), { 'x-kubernetes-int-or-string': true }],
  ['a text or null', z.string().nullable(), { type: 'string', nullable: true }],
  ['a default', z.enum(['a', 'b']).default('a'), { type: 'string', enum: ['a', 'b'], default: 'a' }],
  [
    'a prefault, which is a default of the document',
    z.object({ a: z.int().default(1) }).prefault({}),
    { type: 'object', properties: { a: { type: 'integer', format: 'int64', default: 1 } }, default: {} },
  ],
  ['a refinement leaves no trace', z.string().refine((text) => text !== ''), { type: 'string' }],
  ['a transform is seen from its input', z.string().transform(Number), { type: 'string' }],
  [
    'a preprocessed value is what it must become',
    z.preprocess(String, z.string()).transform(Number),
    { type: 'string' },
  ],
  [
    'a default behind a transform is no text, and is left out',
    z.string().transform(Number).default(5),
    { type: 'string' },
  ],
  ['a description', z.string().describe('A name.'), { description: 'A name.', type: 'string' }],
  [
    'the outermost description counts',
    z.string().describe('inner').optional().describe('outer'),
    { description: 'outer', type: 'string' },
  ],
  ['a description inside', z.string().describe('inner').optional(), { description: 'inner', type: 'string' }],
];

test.each(forms)('%s', (_name, schema, structural) => {
  expect(convert(schema)).toEqual(structural);
});

describe('an object', () => {
  test('requires the fields that the code cannot do without, and says nothing of unknown ones', () => {
    const schema = z.strictObject({
      needed: z.string(),
      duration: z.preprocess(String, z.string().regex(/^\d+s$/)),
      chosen: z.string().optional(),
      filled: z.int().default(3),
    });
    expect(convert(schema)).toEqual({
      type: 'object',
      required: ['needed', 'duration'],
      properties: {
        needed: { type: 'string' },
        duration: { type: 'string', pattern: '^\\d+s$' },
        chosen: { type: 'string' },
        filled: { type: 'integer', format: 'int64', default: 3 },
      },
    });
  });

  test('that is loose keeps what it does not know', () => {
    expect(convert(z.looseObject({ a: z.boolean() }))).toEqual({
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'boolean' } },
      ...preserve,
    });
  });
});

test('objects that a field tells apart are one with the fields of all; defaults are those that all of them have', () => {
  const options = [
    z.object({
      type: z.literal('a'),
      method: z.string().default('GET'),
      tries: z.int().default(3),
      needed: z.string(),
    }),
    z.object({ type: z.literal('b'), tries: z.int().default(3) }),
  ] as const;
  expect(convert(z.discriminatedUnion('type', options))).toEqual({
    type: 'object',
    required: ['type'],
    properties: {
      type: { type: 'string', enum: ['a', 'b'] },
      method: { type: 'string' },
      tries: { type: 'integer', format: 'int64', default: 3 },
      needed: { type: 'string' },
    },
  });
});

const refused: readonly (readonly [string, z.core.$ZodType, string])[] = [
  ['a look-ahead', z.string().regex(/^(?!x)/), 'the pattern /^(?!x)/ is not one of RE2'],
  ['a reference back', z.string().regex(/(.)\1/), 'is not one of RE2'],
  ['numbers as choices', z.literal([1, 2]), 'only texts, or booleans, can be enumerated'],
  ['a union with an object', z.union([z.string(), z.object({})]), 'a union can only be of texts'],
  ['a union of one type', z.union([z.string().min(1), z.string().max(9)]), 'of different types'],
  ['a map with limited keys', z.record(z.string().max(3), z.string()), 'the keys of a record'],
  ['a tuple', z.tuple([z.string()]), 'a schema of type tuple has no form'],
  ['a set', z.set(z.string()), 'a schema of type set has no form'],
  ['a bare transform', z.transform(String), 'a schema of type transform has no form'],
];

test.each(refused)('%s is refused', (_name, schema, message) => {
  expect(() => convert(schema)).toThrow(message);
});

test('a refusal names the place', () => {
  const schema = z.object({ list: z.array(z.record(z.string(), z.object({ when: z.date() }))) });
  expect(() => convert(schema, 'spec')).toThrow('spec.list[]{}.when: a schema of type date');
});
