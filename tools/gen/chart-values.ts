/** The settings of the chart: values.yaml says what each means; from it come the descriptions of its schema and docs/values.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { isMap, parseDocument, type Pair, type Scalar, type YAMLMap } from 'yaml';

const CHART = join('charts', 'chaosplane');
const VALUES = join(CHART, 'values.yaml');
const SCHEMA = join(CHART, 'values.schema.json');
const PAGE = join('docs', 'values.md');

/** What is used of a JSON schema here. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** One setting. */
export interface ChartValue {
  /** `operator.replicas`. */
  readonly path: string;
  readonly default: unknown;
  /** The comment above it, in one line; empty where there is none. */
  readonly meaning: string;
  readonly allowed: string;
}

/**
 * Every setting that has a value of its own, in the order of the file: what the schema says to be a map of any content is one.
 * @throws Error for a key that the schema does not have.
 */
export function chartValues(values: string, schema: Schema): readonly ChartValue[] {
  const { contents } = parseDocument(values);
  return isMap(contents) ? valuesOf(contents, schema, schema, '') : [];
}

function valuesOf(map: YAMLMap, schema: Schema, root: Schema, prefix: string): readonly ChartValue[] {
  return (map.items as readonly Pair<Scalar>[]).flatMap(({ key, value }, index): readonly ChartValue[] => {
    const name = String(key.value);
    const path = `${prefix}${name}`;
    const own = schema.properties?.[name];
    if (own === undefined) throw new Error(`${VALUES} has ${path}, and ${SCHEMA} has not`);
    const known = resolved(own, root);
    if (isMap(value) && known.properties !== undefined) return valuesOf(value, known, root, `${path}.`);
    // The parser gives the first key's comment to the map.
    const comment = key.commentBefore ?? (index === 0 ? map.commentBefore : undefined) ?? '';
    const initial = (value as { toJSON(): unknown }).toJSON();
    return [{ path, default: initial, meaning: comment.replaceAll(/\s+/g, ' ').trim(), allowed: allowed(known) }];
  });
}

const resolved = (schema: Schema, root: Schema): Schema =>
  schema.$ref === undefined ? schema : (root.definitions?.[schema.$ref.replace('#/definitions/', '')] ?? {});

function allowed({ enum: words, type = '', minimum, maximum }: Schema): string {
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  if (type === 'integer' && minimum !== undefined)
    return maximum === undefined ? `number from ${minimum} on` : `number, ${minimum} to ${maximum}`;
  return { boolean: 'true, false', array: 'list', object: 'map', string: 'text' }[type] ?? type;
}

/** The schema, in which each setting is described as values.yaml does. */
export function describedSchema(schema: Schema, values: readonly ChartValue[]): Schema {
  const meanings = new Map(values.map(({ path, meaning }) => [path, meaning]));
  return described(schema, meanings, '');
}

function described(schema: Schema, meanings: ReadonlyMap<string, string>, prefix: string): Schema {
  if (schema.properties === undefined) return schema;
  const properties = Object.entries(schema.properties).map(([name, { description: _, ...own }]) => {
    const path = `${prefix}${name}`;
    const meaning = meanings.get(path);
    const inner = described(own, meanings, `${path}.`);
    return [name, meaning === undefined ? inner : { description: meaning, ...inner }] as const;
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** docs/values.md. */
export function valuesPage(values: readonly ChartValue[]): string {
  const rows = values.map(({ path, default: initial, allowed: kinds, meaning }) => {
    const shown = JSON.stringify(initial);
    return `| \`${path}\` | ${shown === '""' ? '–' : `\`${shown}\``} | ${kinds} | ${meaning.replaceAll('|', '\\|')} |`;
  });
  return [
    `<!-- Generated from ${VALUES} by \`npm run gen\`; edit that instead. -->`,
    '',
    '# The settings of the chart',
    '',
    'An unknown key is refused, and so is a value that the schema does not allow.',
    '',
    '| setting | default | allowed | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** The text of each file by its path below `root`. */
export async function chartValueFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const schema = JSON.parse(await readFile(join(root, SCHEMA), 'utf8')) as Schema;
  const values = chartValues(await readFile(join(root, VALUES), 'utf8'), schema);
  const files = [
    [SCHEMA, JSON.stringify(describedSchema(schema, values)), 'json'],
    [PAGE, valuesPage(values), 'markdown'],
  ] as const;
  const formatted = files.map(async ([path, text, parser]) => {
    const config = await resolveConfig(join(root, path));
    return [path, await format(text, { ...config, parser })] as const;
  });
  return new Map(await Promise.all(formatted));
}

/** Writes them. */
export async function writeChartValues(root: string): Promise<void> {
  for (const [path, text] of await chartValueFiles(root)) await writeFile(join(root, path), text);
}

/** Paths below `root` of those that are not what values.yaml says. */
export async function staleChartValues(root: string): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, text] of await chartValueFiles(root))
    if ((await readFile(join(root, path), 'utf8').catch(() => undefined)) !== text) stale.push(path);
  return stale;
}
