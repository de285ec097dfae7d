/** The pure life of an experiment: what it is, whom it hits, what happens next. */
export * from './decide.ts';
export * from './document.ts';
export { experimentId } from './names.ts';
export * from './observation.ts';
export type { PeerSpec } from './peer.ts';
export type { Probe } from './probe.ts';
export * from './resource.ts';
export * from './parse.ts';
export * from './select.ts';
export { asTarget, kindWord, selectionMessage } from './selection-message.ts';
export { whyNoMatch, type LabelSelector } from './selector.ts';
export * from './status.ts';
export { TARGET_GONE } from './verdict.ts';
