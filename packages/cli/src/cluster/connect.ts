/** The cluster that a command talks to: which flags say so, and what they become. */
import { createLogger, defined } from '@chaosplane/common';
import { createKubeClient, type KubeClient } from '@chaosplane/kube';
import { loadCluster } from '@chaosplane/kube/config';
import { Option, type Command } from 'commander';
import { isPlugin, type Surroundings } from '../commands/options.ts';
import { refusalOn } from './refusals.ts';

/** Flags of commands that may talk to a cluster. */
export interface ClusterFlags {
  readonly cluster?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly verbose?: boolean;
}

/** What writes, to server-side apply. */
export const FIELD_MANAGER = 'chaosplane-cli';

const clusterOption = new Option('--cluster', 'through the operator of the current context of the kubeconfig');

const kubeconfigOption = new Option(
  '--kubeconfig <file>',
  'which kubeconfig, one file; default: as kubectl, those that KUBECONFIG lists, or ~/.kube/config',
);

const contextOption = new Option('--context <name>', 'which context of the kubeconfig');

const namespaceOption = new Option('-n, --namespace <name>', "which namespace; default: the context's");

/** Which cluster, and unless a command is about all of it, which namespace. */
export function addClusterOptions(
  command: Command,
  { namespace = true }: { readonly namespace?: boolean } = {},
): Command {
  const options = [clusterOption, ...(namespace ? [namespaceOption] : []), contextOption, kubeconfigOption];
  for (const option of options) command.addOption(option);
  return command;
}

/**
 * Whether the flags mean a cluster: --cluster, --context or --kubeconfig. A KUBECONFIG in the environment alone does not, because
 * it is there for other programs. A plugin of kubectl always means one.
 */
export function meansCluster(command: Command, surroundings: Pick<Surroundings, 'calledAs'>): boolean {
  const typed = (name: string): boolean => command.getOptionValueSourceWithGlobals(name) === 'cli';
  return isPlugin(surroundings) || typed('cluster') || typed('context') || typed('kubeconfig');
}

/** Says first where a command works; beside the output, which may be for programs. */
export function tellPlace(err: NodeJS.WritableStream, place: Connection | 'machine'): void {
  const where =
    place === 'machine' ? 'this machine' : `the cluster ${place.name} (${place.server}), namespace ${place.namespace}`;
  err.write(`on ${where}\n`);
}

/** A cluster, and the namespace in it. */
export interface Connection {
  readonly client: KubeClient;
  readonly namespace: string;
  /** The context, for people. */
  readonly name: string;
  readonly server: string;
}

/** @throws ChaosError when there is no kubeconfig, or no such context in it. */
export function connectCluster(
  { kubeconfig, context, namespace, verbose }: ClusterFlags,
  { kubeconfigs, apiServer }: Pick<Surroundings, 'kubeconfigs' | 'apiServer'>,
): Connection {
  const files = kubeconfig ?? (kubeconfigs.length === 0 ? undefined : kubeconfigs);
  const config = loadCluster(defined({ kubeconfig: files, context, apiServer }));
  const logger = createLogger({ level: verbose === true ? 'debug' : 'error', pretty: true });
  const client = createKubeClient(config, { logger, userAgent: 'chaosplane', refusal: refusalOn(config.name) });
  return { client, namespace: namespace ?? client.namespace, name: config.name, server: config.server };
}
