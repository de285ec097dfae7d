/** From the strings of the wire, or the values of an experiment file, to a spec: all problems at once. */
import { invalidArgument, quoted, type Problem } from '@chaosplane/common/pure';
import * as z from 'zod';
import type { Action } from './action.ts';
import { likelyParameter } from './elsewhere.ts';
import { parameterMeta } from './parameters/parameter.ts';
import { TARGET_KEYS } from './parameters/told.ts';
import { joined } from './texts.ts';

/** Whether the parameters name the pod (on the wire), or an experiment's target does. */
export interface ParseOptions {
  readonly target: 'required' | 'absent';
}

/**
 * The spec that `parameters` mean to `action`.
 * @throws ChaosError INVALID_ARGUMENT with every problem.
 */
export function parseParameters<Spec>(
  action: Action<Spec>,
  parameters: Readonly<Record<string, string>>,
  { target }: ParseOptions,
): Spec {
  const problems: Problem[] = [];
  const known = Object.keys(action.schemas);
  const values = withoutAliases(action, parameters, problems);
  if (target === 'absent') fillTarget(known, values, problems);
  const parsed = schemaOf(action).safeParse(values);
  for (const key of Object.keys(values)) {
    if (!known.includes(key)) problems.push(unknownKey(key, known));
  }
  for (const issue of parsed.error?.issues ?? []) problems.push(problemOf(action, values, issue));
  const spec = parsed.data === undefined ? undefined : action.toSpec(parsed.data as never, problems);
  if (spec === undefined || problems.length > 0) throw invalidArgument(`the request for ${action.name}`, problems);
  return spec;
}

/** How many a document may have: more than any action has. Each that is not known is compared with those that are. */
export const MOST_PARAMETERS = 64;

/** What is wrong with so many. */
export function tooMany(parameters: Readonly<Record<string, unknown>>): Problem | undefined {
  const { length } = Object.keys(parameters);
  if (length <= MOST_PARAMETERS) return undefined;
  return { path: 'parameters', wrong: `there are ${length}`, allowed: `at most ${MOST_PARAMETERS}` };
}

/** Compiled at its first use, which takes longer than parsing. */
const schemas = new WeakMap<Action, z.ZodObject<Action['schemas']>>();

function schemaOf(action: Action): z.ZodObject<Action['schemas']> {
  const schema = schemas.get(action) ?? z.object(action.schemas);
  schemas.set(action, schema);
  return schema;
}

function withoutAliases(
  action: Action,
  parameters: Readonly<Record<string, string>>,
  problems: Problem[],
): Record<string, string> {
  const names = new Map<string, string>();
  for (const [key, schema] of Object.entries(action.schemas)) {
    for (const alias of parameterMeta.get(schema)?.aliases ?? []) names.set(alias, key);
  }
  const values = new Map<string, string>();
  for (const [given, value] of Object.entries(parameters)) {
    const key = names.get(given) ?? given;
    if (values.has(key)) {
      problems.push({ path: `parameters.${given}`, wrong: `${key} is given twice`, allowed: 'one of its names' });
    }
    values.set(key, value);
  }
  return Object.fromEntries(values);
}

function fillTarget(known: readonly string[], values: Record<string, string>, problems: Problem[]): void {
  for (const key of TARGET_KEYS) {
    if (values[key] !== undefined) {
      problems.push({ path: `parameters.${key}`, wrong: 'the target chooses the pod', allowed: 'nothing here' });
    }
  }
  for (const key of ['podName', 'containerId']) if (known.includes(key)) values[key] = 'chosen-by-target';
}

function unknownKey(key: string, known: readonly string[]): Problem {
  const near = likelyParameter(key, known);
  const wrong = `${quoted(key)} is not a parameter${near === undefined ? '' : `; did you mean ${near}?`}`;
  return { path: 'parameters', wrong, allowed: known.join(', ') };
}

function problemOf(action: Action, values: Readonly<Record<string, string>>, issue: z.core.$ZodIssue): Problem {
  const key = String(issue.path[0] ?? '');
  const schema = action.schemas[key];
  const allowed = schema === undefined ? '' : (parameterMeta.get(schema)?.allowed ?? '');
  const path = `parameters.${key}`;
  if (values[key] === undefined) return { path, wrong: 'it is required', allowed };
  const told: unknown = issue.code === 'custom' ? issue.params?.['allowed'] : undefined;
  return { path, wrong: issue.message, allowed: typeof told === 'string' ? told : allowed };
}

/**
 * Parameters as an experiment file may give them, all of them texts in the end. Which lists and maps an action takes, and what
 * is wrong with all others, is for `textsOf` to say.
 */
export const stringParameters = z.record(z.string(), z.unknown().transform(joined));
