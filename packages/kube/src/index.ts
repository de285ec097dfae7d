/** The controller runtime that TypeScript lacks; knows no chaos. */
export * from './condition.ts';
export * from './admission.ts';
export * from './kinds.ts';
export * from './scheduling.ts';
export * from './workloads.ts';
export * from './object.ts';
export * from './errors.ts';
export * from './config.ts';
export * from './client.ts';
export * from './informer.ts';
export * from './snapshot.ts';
export * from './queue.ts';
export * from './queue-times.ts';
export { createRateLimiter, type RateLimiter } from './rate-limiter.ts';
export * from './election.ts';
export * from './finalizer.ts';
export * from './events.ts';
export * from './manager.ts';
