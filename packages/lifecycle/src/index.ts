/** What happens next to an experiment, and to what targets. Pure. */
export { decide } from './experiment/decide.ts';
export * from './experiment/observation.ts';
export * from './experiment/select.ts';
export { asTarget, kindWord, selectionMessage } from './experiment/selection-message.ts';
export { TTL_MARGIN_MS } from './experiment/timing.ts';
export { TARGET_GONE } from './experiment/verdict.ts';
