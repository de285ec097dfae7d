/** The images of ChaosPlane: what is in them, and how they are built without a container engine. */
export { buildImage, buildImages, testImages, type BuildOptions } from './build.ts';
export type { ImageName } from './bundle.ts';
export { appEntries, baseEntries, daemonEntries } from './contents.ts';
