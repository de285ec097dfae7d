/** Zod schemas as structural schemas of Kubernetes: what a document may say, before zod has parsed it. */
import * as z from 'zod';
import { limitsOf } from './limits.ts';
import type { Json, Structural } from './structural.ts';

type Schema = z.core.$ZodType;

/**
 * The structural schema of a zod schema's input side. Refinements and transforms are the code's; they leave no trace.
 * @throws Error naming the place, for a construct that Kubernetes cannot say or that this converter does not know.
 */
export function convert(schema: Schema, path = 'the schema'): Structural {
  const description = z.globalRegistry.get(schema)?.description;
  const converted = { ...convertType(schema as z.core.$ZodTypes, path), ...limitsOf(schema, path) };
  return description === undefined ? converted : { description, ...without(converted, 'description') };
}

function convertType({ _zod: { def } }: z.core.$ZodTypes, path: string): Structural {
  switch (def.type) {
    case 'string':
      return { type: 'string' };
    case 'number':
      return isInteger(def) ? { type: 'integer', format: 'int64' } : { type: 'number' };
    case 'boolean':
      return { type: 'boolean' };
    case 'enum':
      return enumeration(Object.values(def.entries), path);
    case 'literal':
      return enumeration(def.values, path);
    case 'array':
      return { type: 'array', items: convert(def.element, `${path}[]`) };
    case 'record':
      return { type: 'object', additionalProperties: record(def, path) };
    case 'object':
      return object(def, path);
    case 'union':
      return isDiscriminated(def) ? flat(def, path) : union(def.options, path);
    case 'unknown':
      return { 'x-kubernetes-preserve-unknown-fields': true };
    case 'nullable':
      return { ...convert(def.innerType, path), nullable: true };
    case 'optional':
    case 'readonly':
      return convert(def.innerType, path);
    case 'default':
    case 'prefault':
      return withDefault(convert(def.innerType, path), def.innerType, def.defaultValue);
    case 'pipe':
      // What comes before a preprocessing function can be anything; what it must become is what people should write.
      return convert(def.in._zod.def.type === 'transform' ? def.out : def.in, path);
    default:
      throw new Error(`${path}: a schema of type ${def.type} has no form in a resource definition`);
  }
}

/** Whether a number is whole: z.int() says so itself, z.number().int() by a check. */
function isInteger(def: z.core.$ZodNumberDef): boolean {
  const formats = [def, ...(def.checks ?? []).map(({ _zod }) => _zod.def)].map(
    (each) => 'format' in each && each.format,
  );
  return formats.some((format) => format === 'safeint' || format === 'int32' || format === 'uint32');
}

function enumeration(values: readonly unknown[], path: string): Structural {
  if (values.every((value) => typeof value === 'string')) return { type: 'string', enum: values };
  if (values.every((value) => typeof value === 'boolean')) return { type: 'boolean', enum: values };
  throw new Error(`${path}: only texts, or booleans, can be enumerated`);
}

function record(def: z.core.$ZodRecordDef, path: string): Structural {
  const key = def.keyType._zod.def;
  if (key.type !== 'string' || (key.checks ?? []).length > 0) {
    throw new Error(`${path}: the keys of a record can only be texts without limits`);
  }
  return convert(def.valueType, `${path}{}`);
}

/** Unknown fields are refused by kubectl and pruned by the API server; `additionalProperties` is not allowed here. */
function object(def: z.core.$ZodObjectDef, path: string): Structural {
  const fields = Object.entries(def.shape);
  const properties = Object.fromEntries(fields.map(([name, field]) => [name, convert(field, `${path}.${name}`)]));
  const required = fields.filter(([, field]) => !z.safeParse(field, undefined).success).map(([name]) => name);
  const open = def.catchall !== undefined && def.catchall._zod.def.type !== 'never';
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    ...(fields.length > 0 && { properties }),
    ...(open && { 'x-kubernetes-preserve-unknown-fields': true as const }),
  };
}

/** Kubernetes allows no types inside anyOf: of all unions, only that of whole numbers and texts has a form of its own. */
function union(options: readonly Schema[], path: string): Structural {
  const types = new Set(options.map((option) => convert(option, path).type));
  if (types.size === 1) throw new Error(`${path}: the parts of a union must be of different types`);
  if (types.has(undefined) || types.has('object') || types.has('array')) {
    throw new Error(`${path}: a union can only be of texts, numbers and booleans`);
  }
  const whole = types.size === 2 && types.has('integer') && types.has('string');
  return whole ? { 'x-kubernetes-int-or-string': true } : { 'x-kubernetes-preserve-unknown-fields': true };
}

/**
 * Objects that a field tells apart, as one object with the fields of all: Kubernetes cannot say which go together. What each needs
 * is required. A default stays where every option has the field: in an object of another option the API server would fill it in, too.
 */
function flat({ options, discriminator }: z.core.$ZodDiscriminatedUnionDef, path: string): Structural {
  const converted = options.map((option) => convert(option, path));
  const names = converted.flatMap(({ properties }) => properties?.[discriminator]?.enum ?? []);
  const all = Object.assign({}, ...converted.toReversed().map((each) => each.properties)) as Fields;
  const common = (name: string): boolean => converted.every(({ properties }) => properties?.[name] !== undefined);
  const properties = Object.fromEntries(
    Object.entries(all).map(([name, field]) => [name, common(name) ? field : without(field, 'default')]),
  );
  const required = (converted[0]?.required ?? []).filter((name) =>
    converted.every((each) => each.required?.includes(name)),
  );
  const told = { ...properties[discriminator], enum: names };
  return { type: 'object', required, properties: { ...properties, [discriminator]: told } };
}

type Fields = Readonly<Record<string, Structural>>;

function isDiscriminated(def: z.core.$ZodUnionDef): def is z.core.$ZodDiscriminatedUnionDef {
  return 'discriminator' in def;
}

/** A default on the far side of a transform is no document's value: the code fills it in, and the definition is silent. */
function withDefault(schema: Structural, inner: Schema, value: unknown): Structural {
  return z.safeParse(inner, value).success ? { ...schema, default: value as Json } : schema;
}

function without(schema: Structural, key: 'description' | 'default'): Structural {
  const { [key]: _left, ...rest } = schema;
  return rest;
}
