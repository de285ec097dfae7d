/** The wire contract: re-exports what buf and ts-proto generated from /proto. */
export * from './gen/chaosplane/daemon/v1/daemon.ts';
export * as cri from './gen/cri/runtime.ts';
export { durationOf, millisecondsOf } from './duration.ts';
export type { AnyExecRequest } from './exec.ts';
