/** The building blocks of the schemas: closed objects that name the nearest known key, durations in milliseconds. */
import { nearest } from '@chaosplane/actions';
import { parseDuration, quoted } from '@chaosplane/common';
import { z } from 'zod';

/** An object whose unknown keys are refused, with the nearest known one. */
export function closed<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const keys = (issue as { readonly keys?: readonly string[] }).keys ?? [];
      return keys.map((key) => unknownKey(key, known)).join(', ');
    },
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return `${quoted(key)} is not known here${near === undefined ? `; known: ${known.join(', ')}` : `; did you mean ${near}?`}`;
}

/** YAML reads `duration: 5` as a number; it is refused for its missing unit, like the text would be. */
const asText = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value);

/** A duration as people type it; milliseconds once parsed. */
export const duration = z.preprocess(asText, z.string()).transform((text, context) => {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: 'custom', message: parsed.wrong, params: { allowed: parsed.allowed } });
  return z.NEVER;
});

/** A duration longer than nothing; milliseconds once parsed. */
export const positiveDuration = duration.refine((ms) => ms > 0, {
  message: 'it is no time at all',
  params: { allowed: 'a duration longer than 0' },
});
