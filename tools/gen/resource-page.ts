/** The page of a kind: every field of its resource definition, as Markdown. Pure. */

/** What a page says of a schema: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
export interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** A resource definition, as far as a page tells it. */
export interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly scope: string;
  readonly version: string;
  readonly schema: Schema;
}

/** What is told on a page of its own: paths by kind, with the page. */
export type Elsewhere = Readonly<Record<string, string>>;

interface Row {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
}

const NOTE = '<!-- Generated from packages/api by `npm run gen`; edit the schema there, or tools/gen/crd. -->';

/** The index of the kinds. */
export function renderKinds(kinds: readonly Kind[]): string {
  const rows = kinds.map(({ kind, plural, schema, scope }) => {
    const about = `| [${kind}](${plural}.md) | ${scope === 'Cluster' ? 'the cluster' : 'a namespace'} |`;
    return `${about} ${cell(schema.description ?? '')} |`;
  });
  return [NOTE, '', '# Resources', '', '| kind | in | what it is |', '|---|---|---|', ...rows, ''].join('\n');
}

/** The page of one kind. Fields below a path of `elsewhere` are left out: they are told there. */
export function renderKind(kind: Kind, elsewhere: Elsewhere): string {
  const { spec, status, ...others } = kind.schema.properties ?? {};
  const short = kind.shortNames.map((name) => `\`${name}\``).join(', ');
  const table = (path: string, schema: Schema | undefined): string[] =>
    schema === undefined
      ? []
      : [`## ${path}`, '', schema.description ?? '', '', ...fields({ path, schema, required: false }, elsewhere), ''];
  return [
    NOTE,
    '',
    `# ${kind.kind}`,
    '',
    kind.schema.description ?? '',
    '',
    `\`apiVersion: ${kind.version}\`, in ${kind.scope === 'Cluster' ? 'the cluster' : 'a namespace'}; for kubectl \`${kind.plural}\`${short === '' ? '' : ` or ${short}`}.`,
    '',
    ...table('spec', spec),
    ...Object.entries(others).flatMap(([name, schema]) => table(name, schema)),
    ...table('status', status),
  ].join('\n');
}

function fields(root: Row, elsewhere: Elsewhere): string[] {
  const rows = below(root, elsewhere).map(({ path, schema, required }) => {
    const by = required ? 'required' : schema.default === undefined ? '–' : code(JSON.stringify(schema.default));
    const told = elsewhere[path] === undefined ? '' : ` Fields: ${elsewhere[path]}.`;
    return `| ${code(path.slice(root.path.length + 1))} | ${by} | ${allowed(schema)} | ${cell(`${firstParagraph(schema)}${told}`)} |`;
  });
  return rows.length === 0 ? [] : ['| field | default | allowed | meaning |', '|---|---|---|---|', ...rows];
}

/** What follows it is told elsewhere: the list of all parameters of all actions, for `kubectl explain`. */
const firstParagraph = ({ description = '' }: Schema): string => description.split('\n\n')[0] ?? '';

/** Every field below one, in the order of the schema, each before what is in it. */
function below({ path, schema }: Row, elsewhere: Elsewhere): Row[] {
  if (elsewhere[path] !== undefined) return [];
  const { properties = {}, items, additionalProperties, required = [] } = schema;
  const own = Object.entries(properties).flatMap(([name, field]) => {
    const row = { path: `${path}.${name}`, schema: field, required: required.includes(name) };
    return [row, ...below(row, elsewhere)];
  });
  const inside = [
    ...(items === undefined ? [] : [[`${path}[]`, items] as const]),
    ...(typeof additionalProperties === 'object' ? [[`${path}.NAME`, additionalProperties] as const] : []),
  ];
  return [...own, ...inside.flatMap(([at, each]) => below({ path: at, schema: each, required: false }, elsewhere))];
}

function allowed(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(', ');
  const { type, items, minimum, maximum, minItems, maxItems } = schema;
  const range = limits(minimum ?? minItems, maximum ?? maxItems);
  if (type === 'array') return `list of ${items?.type ?? 'values'}${items?.type === undefined ? '' : 's'}${range}`;
  if (type === undefined) return 'any value';
  return `${type}${range}`;
}

/** What limits a number, or how many there may be; the largest integers are no limit that a reader meets. */
function limits(least: number | undefined, most: number | undefined): string {
  const top = most === undefined || most > 2 ** 50 ? undefined : most;
  if (least === undefined) return top === undefined ? '' : `, at most ${top}`;
  return top === undefined ? `, at least ${least}` : `, ${least} to ${top}`;
}

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
