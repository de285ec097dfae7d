/**
 * Fields in which no parameter stands: rights are asked about them by the API server, which sees a template before there are values.
 * The policy of admission chaosplane-rights refuses the same. Pure.
 */
import type { Problem } from '@chaosplane/common/pure';

/** `*` stands for each item of a list; everything below the last name counts. */
const ASKED: readonly (readonly string[])[] = [
  ['target', 'kind'],
  ['target', 'namespace'],
  ['peers', '*', 'podSelector', 'namespace'],
  ...[['steadyState', 'before'], ['steadyState', 'during'], ['steadyState', 'after'], ['abortConditions']].flatMap(
    (list) => [['type'], ['kind'], ['headers', '*', 'valueFrom']].map((field) => [...list, '*', ...field]),
  ),
];

/** The parameters that stand in such fields of an experiment that is not filled in yet. */
export function parametersAsked(experiment: unknown, path: string): readonly Problem[] {
  return ASKED.flatMap((names) => search(experiment, names, path));
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function search(value: unknown, [name, ...rest]: readonly string[], path: string): readonly Problem[] {
  if (name === undefined) return textsOf(value, path);
  if (name === '*')
    return Array.isArray(value) ? value.flatMap((one, index) => search(one, rest, `${path}.${index}`)) : [];
  return isMap(value) ? search(value[name], rest, `${path}.${name}`) : [];
}

function textsOf(value: unknown, path: string): readonly Problem[] {
  if (isMap(value)) return Object.entries(value).flatMap(([key, one]) => textsOf(one, `${path}.${key}`));
  if (typeof value !== 'string' || !value.includes('${{')) return [];
  const wrong = 'a parameter cannot stand here: rights are asked about it before there are values';
  return [{ path, wrong, allowed: 'the value itself; another one is another template' }];
}
