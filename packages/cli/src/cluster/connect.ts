/** The cluster that a command talks to: which flags say so, and what they become. */
import { createLogger } from '@chaosplane/common';
import { createKubeClient, loadCluster, type KubeClient } from '@chaosplane/kube';
import { Option } from 'commander';

/** Flags of commands that may talk to a cluster. */
export interface ClusterFlags {
  readonly cluster?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly verbose?: boolean;
}

export const clusterOption = new Option('--cluster', 'through the operator of the current context of the kubeconfig');

export const kubeconfigOption = new Option('--kubeconfig <file>', 'which kubeconfig; default: as kubectl').env(
  'KUBECONFIG',
);

export const contextOption = new Option('--context <name>', 'which context of the kubeconfig');

export const namespaceOption = new Option('-n, --namespace <name>', "which namespace; default: the context's");

/** Whether the flags mean a cluster. A KUBECONFIG in the environment alone does not. */
export function meansCluster({ cluster, context }: ClusterFlags): boolean {
  return cluster === true || context !== undefined;
}

/** A cluster, and the namespace in it. */
export interface Connection {
  readonly client: KubeClient;
  readonly namespace: string;
}

/** @throws ChaosError when there is no kubeconfig, or no such context in it. */
export function connectCluster({ kubeconfig, context, namespace, verbose }: ClusterFlags): Connection {
  const config = loadCluster({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  const logger = createLogger({ level: verbose === true ? 'debug' : 'error', pretty: true });
  const client = createKubeClient(config, { logger, userAgent: 'chaosplane' });
  return { client, namespace: namespace ?? client.namespace };
}
