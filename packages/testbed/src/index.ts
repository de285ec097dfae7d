/** The test bed's public face. */
export { createTestbed, sweepLeftovers, type Testbed, type TestbedOptions } from './testbed.ts';
export type { Pod, PodSpec, RunningContainer } from './pods.ts';
export { canRun, goPlaces, install, missingPackages, packages, type CanRun } from './prerequisites.ts';
export { APP_IMAGE, appArchive, busyboxEntries, staticBusybox } from './image.ts';
export { differences, fingerprint } from './fingerprint.ts';
export { runtimeKinds, runtimeOf, type RuntimeChoice, type RuntimeKind } from './runtime.ts';
export { bringGo, type Go } from './go.ts';
export { aptInstall, canInstall } from './apt.ts';
export { SANDBOXED } from './containerd.ts';
export { patiently } from './patience.ts';
