/** Which API server, and as which user: from a kubeconfig file, or from the service account of the pod. */
import { accessSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { RequestOptions } from 'node:https';
import { ChaosError } from '@chaosplane/common';
import type { KubeConfig } from '@kubernetes/client-node';
import type { ClusterConfig } from './cluster-config.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { serviceAccountOfPod } from './service-account.ts';

/** Which cluster is meant. */
export interface ClusterChoice {
  /** One kubeconfig file, or several as KUBECONFIG lists them (`readKubeconfig`). */
  readonly kubeconfig?: string | readonly string[];
  readonly context?: string;
  /** The URL that a pod is told (`apiServerOfPod`). Without it, this is no pod. */
  readonly apiServer?: string;
}

/**
 * Finds the cluster: by the given kubeconfig; else the service account of the pod that this runs in; else
 * ~/.kube/config. Reads no KUBECONFIG: that is for a command to pass on.
 * @throws ChaosError FAILED_PRECONDITION when there is none, INVALID_ARGUMENT when the file or the context is wrong.
 */
export function loadCluster(options: ClusterChoice = {}): ClusterConfig {
  const { kubeconfig, context, apiServer } = options;
  const home = join(homedir(), '.kube', 'config');
  if (kubeconfig !== undefined) return fromFiles(kubeconfig, context);
  const account = context === undefined ? serviceAccountOfPod({ apiServer }) : undefined;
  if (account !== undefined) return account;
  if (exists(home)) return fromFiles(home, context);
  throw new ChaosError(
    'FAILED_PRECONDITION',
    `no cluster: this is no pod with a service account, and there is no ${home}; name a kubeconfig file`,
  );
}

function fromFiles(files: string | readonly string[], context: string | undefined): ClusterConfig {
  const config = readKubeconfig(files);
  if (context !== undefined) config.setCurrentContext(context);
  const name = config.getCurrentContext() as string | undefined;
  if (name === undefined || config.getCurrentCluster() === null || config.getCurrentUser() === null) {
    const known = config.getContexts().map((one) => one.name);
    const lacking = name === undefined || name === '' ? 'current context' : `whole context ${name}`;
    throw new ChaosError(
      'INVALID_ARGUMENT',
      `the kubeconfig ${[files].flat().join(', ')} has no ${lacking}; it has: ${known.join(', ') || 'none'}`,
    );
  }
  return clusterOf(config, name);
}

function clusterOf(config: KubeConfig, name: string): ClusterConfig {
  const cluster = config.getCurrentCluster();
  const server = (cluster?.server ?? '').replace(/\/+$/, '');
  const plain = server.startsWith('http:');
  if (plain && cluster !== null) {
    // client-node refuses plain HTTP (such as `kubectl proxy`) unless told that there is no certificate to verify.
    config.clusters = config.clusters.map((one) => (one.name === cluster.name ? { ...one, skipTLSVerify: true } : one));
  }
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim();
  return {
    server,
    name,
    namespace: namespace === undefined || namespace === '' ? 'default' : namespace,
    async credentials() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      // client-node keeps its agent, with the certificates of the first request in it, for ever; ours takes them from
      // each request. A proxy is the agent's business.
      if (cluster?.proxyUrl === undefined) delete options.agent;
      return options;
    },
  };
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
