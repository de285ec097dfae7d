/** What zod found wrong, in the words of a problem: path, what was wrong, what is allowed. Pure. */
import { quoted, type Problem } from '@chaosplane/common/pure';
import type * as z from 'zod';
import { knownInPlaceOf, toldKeys, unknownKey } from './schema.ts';

/** The problems of one issue: unknown keys are one each. */
export function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.length === 0 ? 'the document' : issue.path.join('.');
  switch (issue.code) {
    case 'custom': {
      const allowed: unknown = issue.params?.['allowed'];
      return [{ path, wrong: issue.message, allowed: typeof allowed === 'string' ? allowed : SEE }];
    }
    case 'unrecognized_keys': {
      const known = knownInPlaceOf(issue.keys);
      const allowed = known.join(', ') || SEE;
      const told = toldKeys(issue.keys);
      const more = issue.keys.length - told.length;
      return [
        ...told.map((key) => ({ path, wrong: unknownKey(key, known), allowed })),
        ...(more > 0 ? [{ path, wrong: `${more} more keys are not known here`, allowed }] : []),
      ];
    }
    case 'invalid_type':
      return [{ path, wrong: received(issue), allowed: WORDS[issue.expected] ?? issue.expected }];
    case 'invalid_value':
      return [{ path, wrong: unknownValue(issue.input), allowed: issue.values.map(String).join(', ') }];
    case 'too_small':
    case 'too_big':
      return [{ path, ...outOfRange(issue) }];
    case 'invalid_union':
      return [{ path, ...noneOf(issue) }];
    case 'invalid_format':
      return [{ path, wrong: 'it is not a URL', allowed: 'a URL with http:// or https://' }];
    default:
      return [{ path, wrong: issue.message, allowed: SEE }];
  }
}

const SEE = 'see docs/experiments.md';

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

const RECEIVED: Readonly<Record<string, string>> = {
  undefined: 'it is required',
  null: 'it has no value: give it one, or leave it out',
  string: 'it is a text',
  number: 'it is a number',
  boolean: 'it is true or false (YAML reads yes, no, on and off so)',
  array: 'it is a list',
  object: 'it is a map',
};

/** Of a union that a field tells apart, the issue is about that field. */
function noneOf(issue: z.core.$ZodIssueInvalidUnion): Omit<Problem, 'path'> {
  const { input, discriminator } = issue;
  if (discriminator === undefined || !('options' in issue) || typeof input !== 'object' || input === null)
    return { wrong: 'it is none of what is taken here', allowed: SEE };
  const value: unknown = Object.entries(input).find(([key]) => key === discriminator)?.[1];
  return { wrong: unknownValue(value), allowed: (issue.options ?? []).map(String).join(', ') };
}

function unknownValue(value: unknown): string {
  if (typeof value === 'string') return `${quoted(value)} is not known`;
  return RECEIVED[value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value] ?? 'it is not known';
}

/** zod tells what it got in its message only: `Invalid input: expected string, received number`. */
function received({ message, expected, input }: z.core.$ZodIssueInvalidType): string {
  const [, got = ''] = /received (\w+)$/.exec(message) ?? [];
  if (expected === 'int' && typeof input === 'number') return `${input} is not a whole number`;
  return RECEIVED[got] ?? 'it is not known';
}

function outOfRange(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): Omit<Problem, 'path'> {
  const small = issue.code === 'too_small';
  const limit = String(small ? issue.minimum : issue.maximum);
  switch (issue.origin) {
    case 'string':
      return small
        ? { wrong: 'it is empty', allowed: `at least ${limit} character` }
        : { wrong: 'it is too long', allowed: `at most ${limit} characters` };
    case 'array':
      return small
        ? { wrong: 'it is empty', allowed: `at least ${limit} item, or leave it out` }
        : { wrong: 'it has too many items', allowed: `at most ${limit}` };
    default:
      return {
        wrong: small ? 'it is too little' : 'it is too much',
        allowed: `${small ? 'at least' : 'at most'} ${limit}`,
      };
  }
}
