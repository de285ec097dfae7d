/** The public face of the test cluster. */
export { openCluster, type Cluster, type CommandOptions } from './cluster.ts';
export { BUSYBOX_IMAGE } from './images.ts';
export { packages, whyNoCluster } from './prerequisites.ts';
export { cacheFolder, startCluster, type ClusterOptions } from './start.ts';
export { sweepClusters } from './teardown.ts';
