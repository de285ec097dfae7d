/** The public face of the test cluster. */
export { addressTowards } from './address-towards.ts';
export { openCluster, type Cluster, type CommandOptions } from './cluster/cluster.ts';
export { cgroupRoots } from './cluster/cgroups.ts';
export { allClusters, readNodes } from './cluster/folder.ts';
export { BUSYBOX_IMAGE } from './cluster/images.ts';
export { extractKubectlAndHelm, kubernetesFolder } from './cluster/kubernetes/build.ts';
export { inNode, isRunning } from './cluster/node/node.ts';
export {
  controlPlanePackages,
  imagePackages,
  packages,
  whyNoCluster,
  type DebianPackages,
} from './cluster/prerequisites.ts';
export { cacheFolder, startCluster, type ClusterOptions } from './cluster/start.ts';
export { removeSharedClusters, sweepClusters, wantedClusters } from './cluster/remove-cluster.ts';
export { sharedCluster, sharedControlPlane } from './cluster/shared.ts';
