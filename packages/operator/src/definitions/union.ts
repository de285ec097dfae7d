/** A definition that takes no field away from what a cluster has stored; pure. */
import type { Definition, DefinedVersion, Schema } from './definition.ts';

/** The definition that is written, and what of it only the cluster knew. */
export interface Union {
  readonly spec: Definition['spec'];
  /** `v1alpha1 spec.execution.pace`, or `v1beta1` for a whole version; most often none. */
  readonly kept: readonly string[];
}

/**
 * `wanted`, and the fields and versions that only `found` has: an object may hold them, and the API server drops a field that no
 * schema names when the object is written next. Everything else is as `wanted` says. A field that is kept gets no default any more:
 * the API server would put it into every object, where a program that does not know it refuses it.
 */
export function unionOf(wanted: Definition['spec'], found: Definition['spec'] | undefined): Union {
  const theirs = new Map((found?.versions ?? []).map((version) => [version.name, version]));
  const merged = wanted.versions.map((version) => merge(version, theirs.get(version.name)));
  const names = new Set(wanted.versions.map(({ name }) => name));
  const others = [...theirs.values()].filter(({ name }) => !names.has(name));
  const versions = [...merged.map(({ version }) => version), ...others.map((each) => ({ ...each, storage: false }))];
  const kept = [...merged.flatMap((each) => each.kept), ...others.map(({ name }) => name)];
  return { spec: { ...wanted, versions }, kept };
}

function merge(
  wanted: DefinedVersion,
  found: DefinedVersion | undefined,
): { readonly version: DefinedVersion; readonly kept: readonly string[] } {
  const [ours, theirs] = [wanted.schema?.openAPIV3Schema, found?.schema?.openAPIV3Schema];
  if (ours === undefined || theirs === undefined) return { version: wanted, kept: [] };
  const both = withFieldsOf(ours, theirs);
  const version = { ...wanted, schema: { ...wanted.schema, openAPIV3Schema: both } };
  return { version, kept: fieldsMissing(ours, both).map((path) => `${wanted.name} ${path}`) };
}

/** The paths of fields that `known` names and `schema` does not, each without those below it: `spec.steps[].name`. */
export function fieldsMissing(schema: Schema, known: Schema): string[] {
  const walk = (here: Schema, there: Schema, path: string): string[] => {
    const parts = partsOf(here);
    return [...partsOf(there)].flatMap(([step, part]) => {
      const own = parts.get(step);
      return own === undefined ? [`${path}${step}`] : walk(own, part, `${path}${step}`);
    });
  };
  return walk(schema, known, '').map((path) => path.replace(/^\./, ''));
}

/** The parts of a schema that have fields of their own, by what their paths add. */
function partsOf({ properties = {}, items, additionalProperties }: Schema): ReadonlyMap<string, Schema> {
  return new Map([
    ...Object.entries(properties).map(([name, schema]) => [`.${name}`, schema] as const),
    ...(items === undefined ? [] : [['[]', items] as const]),
    ...(additionalProperties === undefined ? [] : [['{}', additionalProperties] as const]),
  ]);
}

/** Where the two are of different types, or one is a map and the other has named fields, nothing can be kept. */
function withFieldsOf(ours: Schema, theirs: Schema): Schema {
  const isMap = ({ additionalProperties }: Schema): boolean => additionalProperties !== undefined;
  if (ours['type'] !== theirs['type'] || isMap(ours) !== isMap(theirs)) return ours;
  return joined(ours, theirs, (own, other) => (own === undefined ? withoutDefaults(other) : withFieldsOf(own, other)));
}

function withoutDefaults({ default: _left, ...schema }: Schema): Schema {
  return joined(schema, schema, (_own, part) => withoutDefaults(part));
}

/** `ours`, with each part that `theirs` has as `both` makes it. */
function joined(ours: Schema, theirs: Schema, both: (own: Schema | undefined, other: Schema) => Schema): Schema {
  const fields = Object.entries(theirs.properties ?? {}).map(([name, other]) => {
    return [name, both(ours.properties?.[name], other)] as const;
  });
  return {
    ...ours,
    ...(fields.length > 0 && { properties: { ...ours.properties, ...Object.fromEntries(fields) } }),
    ...(theirs.items !== undefined && { items: both(ours.items, theirs.items) }),
    ...(theirs.additionalProperties !== undefined && {
      additionalProperties: both(ours.additionalProperties, theirs.additionalProperties),
    }),
  };
}
