/** Starts a cluster, from nothing to nodes that are Ready. What it made is removed when that fails, or when its owner dies. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { cacheFolderOf, defined } from '@chaosplane/common';
import { appArchive } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit/eventually';
import { ask } from './api.ts';
import { makeCgroups } from './cgroups.ts';
import { keepImages, openCluster, type Cluster } from './cluster.ts';
import { prepareControlPlane, startControlPlane } from './control-plane.ts';
import { corednsManifest } from './coredns.ts';
import { makeFolder, markOf, writeMarks, type Marks } from './folder.ts';
import { baseImages } from './images.ts';
import { kubernetesFolder } from './kubernetes/build.ts';
import { claimNumber, makeNetwork } from './network.ts';
import { whyNoCluster } from './prerequisites.ts';
import { identityOf } from './processes.ts';
import { addressPlan } from './ranges.ts';
import { removeCluster } from './remove-cluster.ts';

export interface ClusterOptions {
  /** What people call it. Default: the name of its interface on the host. */
  readonly name?: string;
  /** How many (`n1`, `n2`, …), or their names. None: the control plane only. */
  readonly nodes: number | readonly string[];
  readonly report: (line: string) => void;
  /** OCI archives that are loaded into every node. */
  readonly images?: readonly string[];
  /** Ends the start early. */
  readonly signal?: AbortSignal;
  /** The cluster stays when this process has ended, until a user stops it. Default false. */
  readonly stays?: boolean;
  /** See sharedCluster. */
  readonly shared?: string;
}

/** Where programs and images are kept between clusters. */
export function cacheFolder(): string {
  return cacheFolderOf(process.env);
}

/**
 * Starts a cluster; resolves when its nodes are Ready and DNS answers.
 * @throws Error when this machine cannot hold one, with the remedy, or with what did not start.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { report, signal, images = [] } = options;
  const why = whyNoCluster({ nodes: options.nodes !== 0 });
  if (why !== undefined) throw new Error(why);
  const programs = await kubernetesFolder({ cacheFolder: cacheFolder(), report, signal });
  const names =
    typeof options.nodes === 'number' ? Array.from({ length: options.nodes }, (_, at) => `n${at + 1}`) : options.nodes;
  const archives =
    names.length === 0 ? images : [await baseImages(programs), await appArchive(cacheFolder(), report), ...images];
  signal?.throwIfAborted();
  const folder = await makeFolder();
  const address = `02:${(randomBytes(5).toString('hex').match(/../g) ?? []).join(':')}`;
  const owner = await identityOf(process.pid);
  const marks: Marks = { name: options.name ?? '', address, programs, owner, ...defined({ shared: options.shared }) };
  await writeMarks(folder, marks);
  const dismissSupervisor = supervise(folder);
  const stop = async (): Promise<void> => {
    await removeCluster(folder);
    await dismissSupervisor();
  };
  try {
    const number = await claimNumber(address);
    const named = { ...marks, number, name: options.name ?? markOf(number) };
    await writeMarks(folder, named);
    await makeNetwork(number, folder);
    await makeCgroups(`${markOf(number)}/control`);
    const place = { folder, number, programs };
    await prepareControlPlane(place, named.name);
    await keepImages(folder, archives);
    report('starting the control plane');
    await startControlPlane(place, signal);
    const defaults = '/api/v1/namespaces/default/serviceaccounts/default';
    const ready = async (): Promise<boolean> => (await ask(folder, number, defaults))?.status === 200;
    await eventually('the controllers work', ready, { withinMs: 60_000, everyMs: 100, signal });
    const cluster = await openCluster(folder, signal);
    await cluster.kubectl(['apply', '-f', '-'], { input: corednsManifest(addressPlan(number)) });
    if (names.length > 0) report(`starting ${names.join(', ')}`);
    await allOf(names.map((name) => cluster.addNode(name)));
    if (options.stays === true) {
      await writeMarks(folder, { ...named, owner: null });
      await dismissSupervisor();
    }
    return { ...cluster, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for all also when one has failed: nothing may be started any more when what was made is removed. */
async function allOf(works: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}

/** A process that removes the cluster when this one ends in any way. Returns how to send it home. */
function supervise(folder: string): () => Promise<void> {
  const program = join(import.meta.dirname, 'supervisor/main.ts');
  const argv = ['--disable-warning=ExperimentalWarning', program, folder];
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin.on('error', () => undefined);
  child.unref();
  return async () => {
    child.ref();
    child.stdin.end('the cluster needs you no more\n');
    await ended;
  };
}
