/** Parameters of workflows and templates: what their values must be, and where they stand for something. Pure. */
import { nearest } from '@chaosplane/actions';
import { parseDuration, quoted, type Problem } from '@chaosplane/common/pure';
import { LONGEST_DURATION_MS } from './common-language.ts';
import type { ParameterSpec } from './spec.ts';

/** A value of a parameter. */
export type ParameterValue = string | number | boolean;

/** Values of parameters by their names. */
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** Values, or what is wrong with them. */
export interface Bound {
  readonly values: ParameterValues;
  readonly problems: readonly Problem[];
}

/**
 * The value of each parameter: the one that is given, or its default. A text is taken for what the type is, as it comes from a command
 * line: "3" for an integer, "true" for a boolean.
 * @param path Where the values are given, for problems: `spec.arguments`.
 */
export function bindParameters(parameters: readonly ParameterSpec[], given: ParameterValues, path: string): Bound {
  const problems: Problem[] = [];
  const names = parameters.map(({ name }) => name);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    const meant = near === undefined ? '' : `; did you mean ${near}?`;
    const allowed = names.join(', ') || 'nothing: there are no parameters';
    problems.push({ path: `${path}.${name}`, wrong: `there is no parameter ${name}${meant}`, allowed });
  }
  const values: [string, ParameterValue][] = [];
  for (const { name, type, default: initial } of parameters) {
    const wanted = Object.hasOwn(given, name) ? given[name] : initial;
    const read = wanted === undefined ? undefined : valueOf(type, wanted);
    if (read !== undefined) values.push([name, read]);
    else if (wanted === undefined)
      problems.push({ path: `${path}.${name}`, wrong: 'it has no value', allowed: `${ALLOWED[type]}, or a default` });
    else problems.push({ path: `${path}.${name}`, wrong: `${quoted(String(wanted))} is none`, allowed: ALLOWED[type] });
  }
  return { values: Object.fromEntries(values), problems };
}

const ALLOWED: Readonly<Record<ParameterSpec['type'], string>> = {
  string: 'a text',
  integer: 'a whole number',
  boolean: 'true or false',
  duration: 'a duration such as 30s, up to 2400h',
};

/** Undefined when the type has no such value. */
function valueOf(type: ParameterSpec['type'], given: ParameterValue): ParameterValue | undefined {
  switch (type) {
    case 'string':
      return String(given);
    case 'integer': {
      const number = typeof given === 'string' && /^-?\d{1,15}$/.test(given) ? Number(given) : given;
      return Number.isSafeInteger(number) ? number : undefined;
    }
    case 'boolean':
      return given === 'true' || given === true ? true : given === 'false' || given === false ? false : undefined;
    case 'duration': {
      const parsed = typeof given === 'string' ? parseDuration(given) : undefined;
      return parsed?.ok === true && parsed.value <= LONGEST_DURATION_MS ? given : undefined;
    }
  }
}

const PLACE = /\$\{\{\s*([^{}]*?)\s*\}\}/g;
const PARAMETER = /^parameters\.([A-Za-z][A-Za-z0-9_]*)$/;

/** A part of a document with its values in place. */
export interface Filled<T> {
  readonly value: T;
  readonly problems: readonly Problem[];
}

/**
 * Puts values where `${{ parameters.NAME }}` stands. A text that is nothing else becomes the value with its type; in a longer one it is
 * a part of the text.
 * @param path Where the part is, for problems.
 */
export function fill<T>(part: T, values: ParameterValues, path: string): Filled<T> {
  const problems: Problem[] = [];
  const names = Object.keys(values);
  const at = (inside: string, where: string): ParameterValue | undefined => {
    const name = PARAMETER.exec(inside)?.[1];
    if (name !== undefined && Object.hasOwn(values, name)) return values[name];
    const near = name === undefined ? undefined : nearest(name, names);
    const meant = near === undefined ? '' : `; did you mean ${near}?`;
    const wrong = name === undefined ? `${quoted(inside)} is not known` : `there is no parameter ${name}${meant}`;
    const allowed = names.map((one) => `parameters.${one}`).join(', ') || 'no parameter: the template has none';
    problems.push({ path: where, wrong, allowed });
    return undefined;
  };
  const walk = (value: unknown, where: string): unknown => {
    if (Array.isArray(value)) return value.map((one: unknown, index) => walk(one, `${where}.${index}`));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one, `${where}.${key}`)]));
    if (typeof value !== 'string') return value;
    const [whole] = [...value.matchAll(PLACE)].filter(([text]) => text === value);
    if (whole !== undefined) return at(whole[1] ?? '', where) ?? value;
    return value.replace(PLACE, (text, inside: string) => String(at(inside, where) ?? text));
  };
  return { value: walk(part, path) as T, problems };
}
