/** The objects of a file, as kubectl finds them: documents with nothing in them are left out, lists are taken apart. Pure. */
import { invalidArgument, type Problem } from '@chaosplane/common';
import { decode, parts, StreamError } from './stream.ts';
import { valueOf } from './value.ts';

/** An object, and where it stands. */
export interface Found {
  readonly value: Readonly<Record<string, unknown>>;
  /** For people: `line 12`, `line 12, items.3`. */
  readonly where: string;
}

const ALLOWED = 'UTF-8 text of YAML or JSON, each document a ChaosExperiment or a List of them';

/**
 * Every object of the file, in order.
 * @throws ChaosError INVALID_ARGUMENT naming the first place that cannot be read, or that kubectl reads in another way.
 */
export function objectsOf(file: string, bytes: Uint8Array): Found[] {
  const problems: Problem[] = [];
  const found = readable(file, () => parts(decode(bytes))).flatMap((part) => {
    const value = readable(file, () => valueOf(part));
    const line = part.line + leadingLines(part.text);
    return flatten(value, `line ${line}`, problems);
  });
  if (problems.length > 0) throw invalidArgument(file, problems);
  return found;
}

/** How many lines with nothing in them, or a comment, a text begins with. */
function leadingLines(text: string): number {
  return Math.max(
    0,
    text.split('\n').findIndex((line) => !/^\s*(?:#.*)?$/.test(line)),
  );
}

function readable<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    throw invalidArgument(file, [{ path: `line ${error.line}`, wrong: error.message, allowed: ALLOWED }]);
  }
}

/** kubectl takes for a list any object that has `items`, and gives its items the kind that the list is named after. */
function flatten(value: unknown, where: string, problems: Problem[]): Found[] {
  if (value === null || value === undefined) return [];
  if (!isObject(value)) {
    const wrong = `it is ${Array.isArray(value) ? 'a list' : 'a text or a number'}, not an object`;
    problems.push({ path: where, wrong, allowed: 'an object with apiVersion, kind, metadata and spec' });
    return [];
  }
  if (value['items'] === undefined) return [{ value, where }];
  const { items, kind, apiVersion } = value;
  const itemKind = typeof kind === 'string' && kind !== 'List' ? kind.replace(/List$/, '') : undefined;
  if (items !== null && !Array.isArray(items)) {
    problems.push({ path: `${where}, items`, wrong: 'it is not a list', allowed: 'a list of experiments' });
    return [];
  }
  return ((items ?? []) as unknown[]).flatMap((item, index) => {
    const here = `${where}, items.${index}`;
    if (isObject(item) && item['items'] === undefined)
      return [{ value: itemKind === undefined ? item : { apiVersion, kind: itemKind, ...item }, where: here }];
    problems.push({ path: here, wrong: 'it is no object, or a list in a list', allowed: 'an experiment' });
    return [];
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
