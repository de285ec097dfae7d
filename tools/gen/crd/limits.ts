/** The checks of a zod schema (lengths, ranges, patterns) as limits of a structural schema. */
import type * as z from 'zod';
import type { Structural } from './structural.ts';

/** What any check may carry; which of it depends on its kind. */
interface CheckDef {
  readonly check?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly length?: number;
  readonly value?: number;
  readonly inclusive?: boolean;
  readonly format?: string;
  readonly pattern?: RegExp;
  readonly protocol?: RegExp;
}

/**
 * All limits of a schema: its own format, then its checks. Refinements are left out: they are functions.
 * @throws Error naming the place, for a check without a form in a structural schema.
 */
export function limitsOf(schema: z.core.$ZodType, path: string): Structural {
  // A schema such as z.url() or z.int() is its own first check.
  const checks = [schema, ...(schema._zod.def.checks ?? [])].map(({ _zod }) => _zod.def as CheckDef);
  const { type } = schema._zod.def;
  return checks.reduce<Structural>((limits, check) => ({ ...limits, ...limitOf(check, type === 'array', path) }), {});
}

function limitOf(def: CheckDef, array: boolean, path: string): Structural {
  const { value = 0, length = 0, minimum = 0, maximum = 0 } = def;
  switch (def.check) {
    case undefined:
    case 'custom':
    case 'overwrite':
    case 'number_format':
      return {};
    case 'min_length':
      return array ? { minItems: minimum } : { minLength: minimum };
    case 'max_length':
      return array ? { maxItems: maximum } : { maxLength: maximum };
    case 'length_equals':
      return array ? { minItems: length, maxItems: length } : { minLength: length, maxLength: length };
    case 'greater_than':
      return { minimum: value, ...(def.inclusive === false && { exclusiveMinimum: true as const }) };
    case 'less_than':
      return { maximum: value, ...(def.inclusive === false && { exclusiveMaximum: true as const }) };
    case 'multiple_of':
      return { multipleOf: value };
    case 'string_format':
      return formatOf(def, path);
    default:
      throw new Error(`${path}: the check ${def.check} has no form in a resource definition`);
  }
}

function formatOf({ format, pattern, protocol }: CheckDef, path: string): Structural {
  if (format === 'datetime') return { format: 'date-time' };
  if (format === 'url') {
    const scheme = protocol?.source.replace(/^\^|\$$/g, '');
    return { format: 'uri', ...(scheme !== undefined && { pattern: `^(?:${scheme})://` }) };
  }
  if (pattern === undefined) throw new Error(`${path}: the format ${format ?? 'without a name'} has no pattern`);
  return { pattern: portable(pattern, path) };
}

/** The API server's regular expressions are RE2: no look-around, no references back, no flags after the pattern. */
function portable({ source, flags }: RegExp, path: string): string {
  if (/\(\?<?[=!]|\\[1-9]|\\k</.test(source) || /[^uvi]/.test(flags)) {
    throw new Error(`${path}: the pattern /${source}/${flags} is not one of RE2`);
  }
  return flags.includes('i') ? `(?i)${source}` : source;
}
