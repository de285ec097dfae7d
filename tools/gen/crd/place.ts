/** What a resource definition says beside what its zod schema says: rules in CEL, list types, limits; each at its place. */
import type { Structural } from './structural.ts';

/** Adds to the schema at a path such as `spec.peers[].cidr`; `{}` are the values of a map, the empty path is the root. */
export interface Addition {
  readonly at: string;
  readonly add: Structural;
}

/**
 * The schema with all additions.
 * @throws Error when there is no such place.
 */
export function withAdditions(schema: Structural, additions: readonly Addition[]): Structural {
  return additions.reduce(
    (grown, { at, add }) => place(grown, at.match(/[^.[\]{}]+|\[\]|\{\}/g) ?? [], add, at),
    schema,
  );
}

function place(schema: Structural, steps: readonly string[], add: Structural, at: string): Structural {
  const [step, ...rest] = steps;
  if (step === undefined) {
    const rules = [...(schema['x-kubernetes-validations'] ?? []), ...(add['x-kubernetes-validations'] ?? [])];
    return { ...schema, ...add, ...(rules.length > 0 && { 'x-kubernetes-validations': rules }) };
  }
  const deeper = (inner: Structural | undefined): Structural => {
    if (inner === undefined) throw new Error(`${at}: there is no ${step}`);
    return place(inner, rest, add, at);
  };
  if (step === '[]') return { ...schema, items: deeper(schema.items) };
  if (step === '{}') return { ...schema, additionalProperties: deeper(schema.additionalProperties) };
  return { ...schema, properties: { ...schema.properties, [step]: deeper(schema.properties?.[step]) } };
}
