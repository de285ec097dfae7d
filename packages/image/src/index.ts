/** The images of ChaosPlane: what is in them, and how they are built without a container engine. */
export { buildImage, buildImages, testImages, type BuildOptions } from './build.ts';
export { packNpm } from './npm/package.ts';
export { krewManifest, PLUGIN_PROGRAM, pluginArchive } from './plugin/archive.ts';
export type { ImageName } from './bundle.ts';
export { appEntries, baseEntries, daemonEntries } from './contents.ts';
