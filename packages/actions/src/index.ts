/** The catalogue of actions: pure data, shared by the daemon, the operator and the CLI. */
export * from './action.ts';
export * from './registry.ts';
export * from './suggest.ts';
export * from './parameters/parameter.ts';
export * from './parameters/told.ts';
export * from './parse.ts';
export * from './parameters/scope.ts';
export { textsOf } from './texts.ts';
export type { HttpScope } from './parameters/http-scope.ts';
export type * from './gen/actions.ts';
export type { CpuStress, MemoryStress, Size } from './parameters/stress.ts';
