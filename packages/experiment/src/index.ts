/** The pure life of an experiment: what it is, whom it hits, what happens next. */
export * from './decide.ts';
export * from './document.ts';
export type { PeerSpec } from './peer.ts';
export type { Probe } from './probe.ts';
export * from './resource.ts';
export * from './select.ts';
export { whyNoMatch, type LabelSelector } from './selector.ts';
export * from './status.ts';
