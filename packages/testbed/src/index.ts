/** The test bed's public face. */
export { createTestbed, sweepLeftovers, type Testbed, type TestbedOptions } from './testbed.ts';
export type { Pod, PodSpec, RunningContainer } from './pods.ts';
export { canRun, install, missingPackages, packages, type CanRun } from './prerequisites.ts';
export { APP_IMAGE, appArchive, busyboxEntries, staticBusybox } from './image.ts';
export { differences, fingerprint } from './fingerprint.ts';
