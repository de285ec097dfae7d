/**
 * Metadata of classes, as the decorators inside @peculiar/x509 keep it. That library refuses to load without; the
 * well-known polyfill does far more than the three functions that are called.
 */

type Metadata = Map<unknown, unknown>;

const byTarget = new WeakMap<object, Metadata>();

function own(key: unknown, target: object): unknown {
  return byTarget.get(target)?.get(key);
}

function inherited(key: unknown, target: object | null): unknown {
  if (target === null) return undefined;
  return byTarget.get(target)?.has(key) === true
    ? own(key, target)
    : inherited(key, Object.getPrototypeOf(target) as object | null);
}

function define(key: unknown, value: unknown, target: object): void {
  const metadata: Metadata = byTarget.get(target) ?? new Map<unknown, unknown>();
  byTarget.set(target, metadata.set(key, value));
}

const polyfill = { getOwnMetadata: own, getMetadata: inherited, defineMetadata: define };
// A real polyfill that is there already stays.
if (!('getMetadata' in Reflect)) Object.assign(Reflect, polyfill);
