/** Reads what nftables lists as JSON, whose form is not guaranteed. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** The elements of named sets and maps, by `@name`. */
export type Sets = ReadonlyMap<string, readonly Json[]>;

/** The values that one side of a match is compared with. */
export function listOf(value: Json, sets: Sets): readonly Json[] {
  if (typeof value === 'string' && value.startsWith('@')) return sets.get(value) ?? [];
  const set = objectIn(value)?.['set'];
  if (set !== undefined) return listIn(set);
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

export function objectIn(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

export function listIn(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** The text; none is an empty one. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
