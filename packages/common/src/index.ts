/** What every package of ChaosPlane shares; imports nothing of ChaosPlane. */
export * from './clock.ts';
export * from './defined.ts';
export * from './plural.ts';
export * from './errors.ts';
export * from './quantity.ts';
export * from './size.ts';
export * from './network.ts';
export * from './logger.ts';
export * from './retry.ts';
export * from './random.ts';
export * from './setting-schemas.ts';
export * from './mutex.ts';
export * from './keyed-mutex.ts';
export * from './door/index.ts';
export * from './http.ts';
export { keepOwnHeapSmall } from './heap.ts';
