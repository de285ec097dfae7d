/** The catalogue of actions: pure data, shared by the daemon, the operator and the CLI. */
export * from './action.ts';
export * from './catalogue.ts';
export * from './suggest.ts';
export * from './parameter.ts';
export * from './parse.ts';
export * from './scope.ts';
export { textsOf } from './texts.ts';
export type { HttpScope } from './http-scope.ts';
export type * from './gen/actions.ts';
export type { CpuStress, MemoryStress, Size } from './stress.ts';
