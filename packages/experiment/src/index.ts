/** The pure life of an experiment: whom it hits, what happens next. */
export * from './decide.ts';
export * from './observation.ts';
export * from './select.ts';
export { asTarget, kindWord, selectionMessage } from './selection-message.ts';
export { TARGET_GONE } from './verdict.ts';
