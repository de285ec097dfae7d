/** Objects without the keys whose value is undefined. */

/** The same object type: a key that may be undefined is one that may be absent. */
export type Defined<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/**
 * What is defined of an object. Under exactOptionalPropertyTypes an absent key and `undefined` are two things:
 * `{ ...defined({ ttlMs }) }` has no key `ttlMs` when that is undefined. Where it is done for each packet or request, a
 * conditional spread is faster.
 */
export function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}
