/** Label selectors, as Kubernetes has them: their schema, and whether labels match. */
import { z } from 'zod';
import { closed } from './schema.ts';

/** The schema of a label selector. One with nothing in it matches everything. */
export const labelSelector = closed({
  matchLabels: z.record(z.string(), z.string()).optional().describe('Labels that must have these values.'),
  matchExpressions: z
    .array(
      closed({
        key: z.string().min(1).describe('The name of the label.'),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('What is asked of it.'),
        values: z.array(z.string()).default([]).describe('For In and NotIn.'),
      }),
    )
    .optional()
    .describe('Conditions on labels; all of them must hold.'),
});

/** A label selector. */
export type LabelSelector = z.output<typeof labelSelector>;

/** Why labels do not match; undefined when they do. */
export function whyNoMatch(
  labels: Readonly<Record<string, string>>,
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
): string | undefined {
  for (const [key, value] of Object.entries(matchLabels)) {
    if (labels[key] !== value) return `label ${key}=${value} does not match`;
  }
  for (const { key, operator, values } of matchExpressions) {
    if (!matches(labels[key], operator, values)) return `label ${key} ${operator} ${values.join(',')} does not match`;
  }
  return undefined;
}

/** As Kubernetes does: NotIn also matches what has no such label. */
function matches(
  value: string | undefined,
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
  values: readonly string[],
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
