/** What needs nothing of Node.js, and runs in a browser, too. */
export * from './clock.ts';
export * from './defined.ts';
export * from './plural.ts';
export * from './errors.ts';
export * from './quantity.ts';
export * from './size.ts';
export * from './network.ts';
export { isLocalAddress } from './local-address.ts';
export * from './retry.ts';
export * from './mutex.ts';
export * from './keyed-mutex.ts';
export * from './random.ts';
