/** What reads kubeconfigs is large, and no pod needs it: this file is loaded where one is named. */
export { loadCluster } from '@chaosplane/kube/config';
