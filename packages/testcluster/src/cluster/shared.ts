/** Clusters that the files of tests which one process runs share, one file after another: a control plane takes ten seconds to start. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@chaosplane/testkit/eventually';
import { openCluster, type Cluster } from './cluster.ts';
import { allClusters } from './folder.ts';
import { identityOf } from './processes.ts';
import { removeCluster } from './remove-cluster.ts';
import { startCluster, type ClusterOptions } from './start.ts';

/** What the cluster is called among those of this process, and what it has when it is started. */
export interface SharedOptions extends Pick<ClusterOptions, 'nodes' | 'report' | 'images'> {
  readonly shared: string;
}

/**
 * The cluster of that name of this process, which the first caller starts. It goes with the process, and when jest has ended; no
 * caller stops it. One whose API server does not answer any more is replaced. What a file leaves, the next one finds.
 */
export async function sharedCluster(
  options: SharedOptions,
): Promise<{ readonly cluster: Cluster; readonly isNew: boolean }> {
  const { pid, startTime } = await identityOf(process.pid);
  for (const { folder, marks } of await allClusters()) {
    const isOwn = marks.owner?.pid === pid && marks.owner.startTime === startTime;
    if (!isOwn || marks.shared !== options.shared) continue;
    const cluster = await openCluster(folder);
    if (await answers(cluster)) return { cluster, isNew: false };
    await removeCluster(folder);
  }
  return { cluster: await startCluster(options), isNew: true };
}

async function answers({ kubectl }: Cluster): Promise<boolean> {
  const ready = (): Promise<true | undefined> =>
    kubectl(['get', '--raw', '/readyz']).then(
      () => true,
      () => undefined,
    );
  return eventually('the API server is ready', ready, { withinMs: 20_000, everyMs: 500 }).catch(() => false);
}

/**
 * A control plane without nodes that is as the first caller got it: what files before have left that is in no namespace is removed,
 * and so are the namespaces that they made. Definitions of resources stay: callers install their own over them.
 */
export async function sharedControlPlane(): Promise<Cluster> {
  const { cluster, isNew } = await sharedCluster({ shared: 'control-plane', nodes: 0, report: () => undefined });
  const path = join(cluster.folder, 'first-objects.json');
  if (isNew) await writeFile(path, JSON.stringify(await objectsWithoutNamespace(cluster)));
  else {
    const first = new Set(JSON.parse(await readFile(path, 'utf8')) as string[]);
    const left = (await objectsWithoutNamespace(cluster)).filter((name) => !first.has(name));
    if (left.length > 0) await cluster.kubectl(['delete', '--ignore-not-found', '--wait=false', ...left]);
  }
  return cluster;
}

/** `KIND/NAME` of each, namespaces included. */
async function objectsWithoutNamespace({ kubectl }: Cluster): Promise<string[]> {
  const words = ['api-resources', '--namespaced=false', '--verbs=list,delete', '-o', 'name', '--cached=false'];
  const kinds = (await kubectl(words)).split('\n').filter((kind) => !kind.startsWith('customresourcedefinitions.'));
  return (await kubectl(['get', kinds.join(','), '-o', 'name', '--ignore-not-found']))
    .split('\n')
    .filter((name) => name !== '');
}
