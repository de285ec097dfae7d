/** The public face of the test cluster. */
export { openCluster, type Cluster, type CommandOptions } from './cluster.ts';
export { BUSYBOX_IMAGE } from './images.ts';
export { kubernetesFolder } from './kubernetes/build.ts';
export { controlPlanePackages, imagePackages, packages, whyNoCluster, type DebianPackages } from './prerequisites.ts';
export { cacheFolder, startCluster, type ClusterOptions } from './start.ts';
export { sweepClusters, wantedClusters } from './teardown.ts';
