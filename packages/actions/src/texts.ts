/** Parameters that a file gives as lists or maps, as the texts that they stand for. Pure. */
import { quoted, type Problem } from '@chaosplane/common/pure';
import type { Action } from './action.ts';
import { parameterMeta, type ParameterMeta } from './parameters/parameter.ts';

type Scalar = string | number | boolean;

const isScalar = (value: unknown): value is Scalar => ['string', 'number', 'boolean'].includes(typeof value);

const HEADER = /^[^\s:]+: /;

/** A list as its items with commas between them; headers, from a list or a map, as one `NAME: VALUE` a line; nothing as an empty text. */
export function joined(value: unknown): string {
  if (isScalar(value)) return String(value);
  if (Array.isArray(value)) return value.map(String).join(value.some((item) => HEADER.test(String(item))) ? '\n' : ',');
  return Object.entries(value ?? {})
    .map(([name, each]) => `${name}: ${String(each)}`)
    .join('\n');
}

/**
 * The texts of an action's parameters, and what is wrong with those that have none: a list is taken where the text would be
 * one, a map where the text would be lines of names and values.
 */
export function textsOf(
  action: Action,
  parameters: Readonly<Record<string, unknown>>,
): { readonly texts: Record<string, string>; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(parameters)) {
    if (isScalar(value)) {
      texts[key] = String(value);
      continue;
    }
    const meta = metaOf(action, key);
    const wrong = whyNoText(value, meta?.form);
    const allowed = meta === undefined ? 'a text, a number, true or false' : `one text: ${meta.allowed}`;
    if (wrong === undefined) texts[key] = joined(value);
    else problems.push({ path: `parameters.${key}`, wrong, allowed });
  }
  return { texts, problems };
}

function metaOf(action: Action, key: string): ParameterMeta | undefined {
  for (const [name, schema] of Object.entries(action.schemas)) {
    const meta = parameterMeta.get(schema);
    if (name === key || meta?.aliases?.includes(key) === true) return meta;
  }
  return undefined;
}

function whyNoText(value: unknown, form: ParameterMeta['form']): string | undefined {
  if (value === null || value === undefined) return 'it has no value';
  if (Array.isArray(value)) return form === undefined ? 'it is a list' : whyNoList(value, form);
  if (form !== 'headers') return 'it is a map';
  for (const [name, each] of Object.entries(value)) {
    if (!isScalar(each)) return `${quoted(name)} is no text`;
    if (/[;\n]/.test(`${name}${String(each)}`))
      return `${quoted(name)} has a semicolon or a line break, which ends a header`;
  }
  return Object.keys(value).length === 0 ? 'it is empty' : undefined;
}

const SIGNS: Readonly<Record<string, string>> = { '\n': 'line break', ',': 'comma', ';': 'semicolon' };

function whyNoList(items: readonly unknown[], form: 'list' | 'headers'): string | undefined {
  if (items.length === 0) return 'it is an empty list: leave it out';
  for (const item of items) {
    if (!isScalar(item)) return 'an item is no text';
    const text = String(item);
    if (form === 'headers' && !HEADER.test(text)) return `${quoted(text)} is not NAME: VALUE`;
    const ends = form === 'headers' ? /[;\n]/.exec(text) : /[,\n]/.exec(text);
    if (ends !== null) return `${quoted(text)} has a ${SIGNS[ends[0]] ?? ends[0]}, which ends an item`;
    if (form === 'list' && HEADER.test(text)) return `${quoted(text)} is a map`;
  }
  return undefined;
}
