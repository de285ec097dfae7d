/** Label selectors, as Kubernetes has them: their schema, and whether labels match. */
import { quoted } from '@chaosplane/common/pure';
import * as z from 'zod';
import { isSubdomain } from './names.ts';
import { closed } from './schema.ts';

/** The schema of a label selector. One with nothing in it matches everything; what Kubernetes refuses is refused. */
export const labelSelector = closed({
  matchLabels: z.record(z.string(), z.string()).optional().describe('Labels that must have these values.'),
  matchExpressions: z
    .array(
      closed({
        key: z.string().min(1).describe('The name of the label.'),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('What is asked of it.'),
        values: z.array(z.string()).default([]).describe('For In and NotIn.'),
      }).superRefine(checkExpression),
    )
    .max(100)
    .optional()
    .describe('Conditions on labels; all of them must hold.'),
}).superRefine(({ matchLabels = {} }, context) => {
  for (const [key, value] of Object.entries(matchLabels)) {
    checkKey(context, ['matchLabels', key], key);
    checkValue(context, ['matchLabels', key], value);
  }
});

interface Expression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

type Context = z.core.$RefinementCtx;

const refuse = (context: Context, path: (string | number)[], message: string, allowed: string): void =>
  context.addIssue({ code: 'custom', path, message, params: { allowed } });

/** As ValidateLabelSelectorRequirement of k8s.io/apimachinery does. */
function checkExpression({ key, operator, values }: Expression, context: Context): void {
  const takesValues = operator === 'In' || operator === 'NotIn';
  if (takesValues && values.length === 0)
    refuse(
      context,
      ['values'],
      `${operator} needs values`,
      'one value or more, or the operator Exists or DoesNotExist',
    );
  if (!takesValues && values.length > 0)
    refuse(context, ['values'], `${operator} takes no values`, 'none, or the operator In or NotIn');
  checkKey(context, ['key'], key);
  values.forEach((value, index) => checkValue(context, ['values', index], value));
}

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const KEY_ALLOWED =
  'up to 63 letters, digits, -, _ and ., with or without a DNS name and / in front, such as app or example.io/app';
const VALUE_ALLOWED = 'nothing, or up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit';

function checkKey(context: Context, path: (string | number)[], key: string): void {
  const [name = '', prefix, ...more] = key.split('/').toReversed();
  const prefixed = prefix === undefined || isSubdomain(prefix);
  if (key !== '' && (!NAME.test(name) || !prefixed || more.length > 0))
    refuse(context, path, `${quoted(key)} is not the name of a label`, KEY_ALLOWED);
}

function checkValue(context: Context, path: (string | number)[], value: string): void {
  if (value !== '' && !NAME.test(value))
    refuse(context, path, `${quoted(value)} is not the value of a label, so nothing ever matches`, VALUE_ALLOWED);
}

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
