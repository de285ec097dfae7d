/** What happens next to an experiment, and how it is carried out over ports. Pure but for what the ports do. */
export { carryOut } from './carry-out.ts';
export type { Cancelled, Deadlines, Executor, Injected, Peers } from './executor.ts';
export { decide } from './experiment/decide.ts';
export type { Preview } from './experiment/dry-run.ts';
export * from './experiment/observation.ts';
export { unknownSpec } from './experiment/recovering.ts';
export * from './experiment/select.ts';
export { selectionMessage } from './experiment/selection-message.ts';
export { TTL_MARGIN_MS } from './experiment/timing.ts';
export { recovered } from './experiment/evidence.ts';
export { TARGET_GONE } from './experiment/effect.ts';
export { changeOf } from './injected.ts';
export { noSamples, withSample, type Sample, type Times } from './samples/fold.ts';
export {
  newDecisionMemory,
  type Injections,
  type DecisionMemory,
  type Next,
  type Ports,
  type ProbePort,
  type StatusStore,
} from './ports.ts';
