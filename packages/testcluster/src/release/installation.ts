/** A cluster with ChaosPlane installed, and pods that ask each other; one for a file of tests. */
import { chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import { createLogger } from '@chaosplane/common';
import { createKubeClient, type KubeClient } from '@chaosplane/kube';
import { loadCluster } from '@chaosplane/kube/config';
import { APP_IMAGE, fingerprint } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit/eventually';
import type { Cluster } from '../cluster/cluster.ts';
import { sharedCluster } from '../cluster/shared.ts';
import { startCluster } from '../cluster/start.ts';
import { podNetns } from './netns.ts';
import { installRelease, NAMESPACE as SYSTEM } from './release.ts';

/** Where the pods of the tests are. */
export const NAMESPACE = 'shop';
export { SYSTEM };

/** A pod that serves HTTP on 8080 and answers UDP on 8081, and its Service, with the ports 80 and 81. */
export interface App {
  readonly name: string;
  readonly node: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What one pod found out about another. */
export interface Outcome {
  readonly target: string;
  readonly sent: number;
  readonly answered: number;
  readonly medianMs?: number;
  /** Of the fastest answer, in which there is least of what a busy machine adds. */
  readonly leastMs?: number;
  /** Why the last one that was not answered was not. */
  readonly error?: string;
}

export interface Installation {
  readonly cluster: Cluster;
  readonly client: KubeClient;
  addApps(...apps: readonly App[]): Promise<void>;
  ipOf(app: string): Promise<string>;
  /** Asks `http://…` and `udp://HOST:PORT` from within a pod, all at once. */
  probe(from: string, targets: readonly string[], options?: { readonly count?: number }): Promise<Outcome[]>;
  /** Where this machine finds the pod's network namespace; it works without the API server too. */
  netnsOf(app: string): Promise<string>;
  /** The pod's network namespace as text: equal texts mean that nothing was left in it. */
  print(app: string): Promise<string>;
  apply(name: string, spec: object): Promise<void>;
  get(name: string): Promise<ExperimentObject | undefined>;
  until(name: string, like: (object: ExperimentObject) => boolean, limitMs?: number): Promise<ExperimentObject>;
  /** Deletes the experiment; resolves when it is gone, which is when everything has recovered. */
  remove(name: string): Promise<void>;
  /** The ids of the executions in the journal of a node's daemon. */
  executionsOn(node: string): Promise<string[]>;
  close(): Promise<void>;
}

export const isEffective = ({ status }: ExperimentObject): boolean => status?.effectiveAt !== undefined;
export const isOver = ({ status }: ExperimentObject): boolean => status?.endedAt !== undefined;

/** How long tests on a cluster wait. */
export const patient = { withinMs: 60_000, everyMs: 200 } as const;

const metadata = (name: string, labels: object = {}): object => ({ name, namespace: NAMESPACE, labels });

function objectsOf({ name, node, labels = {} }: App): object[] {
  const container = (part: string, args: readonly string[]): object => ({
    name: part,
    image: APP_IMAGE,
    imagePullPolicy: 'Never',
    args,
  });
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: metadata(name, { app: name, ...labels }),
      spec: {
        nodeName: node,
        terminationGracePeriodSeconds: 0,
        containers: [container('http', ['serve']), container('udp', ['udp-echo'])],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(name),
      spec: {
        selector: { app: name },
        ports: [
          { name: 'http', port: 80, targetPort: 8080 },
          { name: 'udp', port: 81, targetPort: 8081, protocol: 'UDP' },
        ],
      },
    },
  ];
}

/** Starts a cluster of two nodes and installs the chart with these settings. */
export async function install(set: readonly string[] = []): Promise<Installation> {
  const report = (): void => undefined;
  const cluster = await startCluster({ nodes: 2, report });
  try {
    await installRelease(cluster, { report, set });
    await cluster.kubectl(['create', 'namespace', NAMESPACE]);
    return installationOn(cluster);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/**
 * The same as `install` without settings, shared by the files of tests that one process runs and that leave nodes, release and daemons
 * as they found them: what they made in the namespace, and their policies, are gone for the next one. See sharedCluster.
 */
export async function sharedInstallation(): Promise<Installation> {
  const report = (): void => undefined;
  const { cluster, isNew } = await sharedCluster({ shared: 'installation', nodes: 2, report });
  try {
    if (isNew) await installRelease(cluster, { report });
    else {
      await cluster.kubectl(['delete', 'blastradiuspolicies', '--all']);
      await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=120s']);
    }
    await cluster.kubectl(['create', 'namespace', NAMESPACE]);
    return { ...installationOn(cluster), close: async () => undefined };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** What the tests do with a cluster on which ChaosPlane and the namespace of the tests are. */
export function installationOn(cluster: Cluster): Installation {
  const config = loadCluster({ kubeconfig: cluster.kubeconfig });
  const client = createKubeClient(config, { logger: createLogger({ level: 'silent' }) });
  const inNamespace = (...argv: readonly string[]): Promise<string> => cluster.kubectl([...argv, '-n', NAMESPACE]);
  const netnsOf = (app: string): Promise<string> => podNetns(cluster, NAMESPACE, app);
  const get = (name: string): Promise<ExperimentObject | undefined> =>
    client.get(chaosExperiments, { namespace: NAMESPACE, name });
  const probe: Installation['probe'] = async (from, targets, { count = 5 } = {}) => {
    const command = ['/chaosplane-app', 'probe', '--count', String(count), '--timeout', '1s', ...targets];
    const printed = await cluster.kubectl(['exec', from, '-n', NAMESPACE, '-c', 'http', '--', ...command]);
    return printed.split('\n').map((line) => JSON.parse(line) as Outcome);
  };
  /** Resolves when the apps reach each other through their Services: a node takes a moment to know a new one. */
  const reachable = async (apps: readonly App[]): Promise<void> => {
    await Promise.all(
      apps.map(async ({ name: from }) => {
        const urls = apps.filter(({ name }) => name !== from).map(({ name }) => `http://${name}.${NAMESPACE}/`);
        if (urls.length === 0) return;
        await eventually(
          `${from} reaches the others`,
          async () => {
            const outcomes = await probe(from, urls, { count: 1 });
            return outcomes.every(({ answered }) => answered > 0) ? true : undefined;
          },
          patient,
        );
      }),
    );
  };
  return {
    cluster,
    client,
    async addApps(...apps) {
      const objects = apps.flatMap(objectsOf).map((object) => JSON.stringify(object));
      await cluster.kubectl(['apply', '-f', '-'], { input: objects.join('\n') });
      const pods = apps.map(({ name }) => `pod/${name}`);
      await inNamespace('wait', '--for=condition=Ready', '--timeout=90s', ...pods);
      await reachable(apps);
    },
    ipOf: (app) => inNamespace('get', 'pod', app, '-o', 'jsonpath={.status.podIP}'),
    probe,
    netnsOf,
    print: async (app) => fingerprint(await netnsOf(app)),
    async apply(name, spec) {
      const { apiVersion, kind } = chaosExperiments;
      const input = JSON.stringify({ apiVersion, kind, metadata: metadata(name), spec });
      await cluster.kubectl(['apply', '-f', '-'], { input });
    },
    get,
    until: (name, like, limitMs = patient.withinMs) =>
      eventually(
        `the experiment ${name}`,
        async () => {
          const object = await get(name);
          return object !== undefined && like(object) ? object : undefined;
        },
        { ...patient, withinMs: limitMs },
      ),
    async remove(name) {
      await inNamespace('delete', 'chaosexperiment', name, '--timeout=90s');
    },
    async executionsOn(node) {
      const names = await cluster.exec(node, ['ls', '/var/lib/chaosplane/executions']);
      return names.split('\n').filter((name) => name.endsWith('.json'));
    },
    close: () => cluster.stop(),
  };
}
