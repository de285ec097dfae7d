/** The images of ChaosPlane: what is in them, and how they are built without a container engine. */
export { buildImage, buildImages, testImages, type BuildOptions, type BuiltImage } from './build.ts';
export { packNpm } from './npm/package.ts';
export { krewManifest, PLUGIN_PROGRAM, pluginArchive } from './plugin/archive.ts';
export type { ImageName } from './bundle.ts';
export { architectures, machines, ownArchitecture, thisMachine, type Architecture, type Debian } from './debian.ts';
export { contentsOf, type Contents, type Workshop } from './contents.ts';
export { layOut } from './layout.ts';
export { originOf, provenanceOf, UNNAMED_BUILDER, type Origin } from './provenance.ts';
export { sbomOf, type Described } from './sbom.ts';
