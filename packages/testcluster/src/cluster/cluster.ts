/** A cluster as an object: everything that a test or a person does with one that exists. */
import { copyFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { killApiServer, startControlPlane, type Place } from './control-plane.ts';
import { claimNode, readMarks, readNodes, type NodeMarks } from './folder.ts';
import { claimedNumber, routeServices } from './network.ts';
import { initOf, inNode, isRunning, loadInto, prepareNode, switchOff, switchOn } from './node/node.ts';
import { MOST_NODES } from './ranges.ts';
import { removeCluster } from './remove-cluster.ts';

/** What a command is given beside its words. */
export interface CommandOptions {
  /** Its standard input. */
  readonly input?: string;
}

export interface Cluster extends AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  /** Path of the administrator's kubeconfig, which works on this machine. */
  readonly kubeconfig: string;
  /** Names of all nodes, running or not, in the order in which they were added. */
  readonly nodes: readonly string[];
  /** Folder with `kubectl` and `helm`. */
  readonly programs: string;
  /** Runs kubectl; resolves with what it printed, throws with what it complained about. */
  kubectl(argv: readonly string[], options?: CommandOptions): Promise<string>;
  helm(argv: readonly string[], options?: CommandOptions): Promise<string>;
  /** Loads OCI archives into every node, also into those that are added or started later. */
  loadImages(archives: readonly string[]): Promise<void>;
  /** Resolves when the node is Ready and DNS answers on it. */
  addNode(name: string): Promise<void>;
  /** A power cut. */
  killNode(name: string): Promise<void>;
  /** Switches a killed node on again; resolves when it is Ready. */
  startNode(name: string): Promise<void>;
  /** Runs a command in all namespaces of a node; resolves with what it printed. */
  exec(node: string, argv: readonly string[], options?: CommandOptions): Promise<string>;
  /** The folder in which this machine sees the node's files, as long as the node runs. */
  rootOf(node: string): Promise<string>;
  /** SIGKILL. */
  stopApiServer(): Promise<void>;
  /** Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Removes everything; idempotent. */
  stop(): Promise<void>;
}

/** The cluster in `folder`, whichever process started it. Throws when there is none. */
export async function openCluster(folder: string, signal?: AbortSignal): Promise<Cluster> {
  const marks = await readMarks(folder);
  const number = marks === undefined ? undefined : await claimedNumber(marks.address);
  if (marks === undefined || number === undefined) throw new Error(`there is no cluster in ${folder}`);
  const place: Place = { folder, number, programs: marks.programs };
  const kubeconfig = join(folder, 'admin.kubeconfig');
  const nodes = (await readNodes(folder)).map(({ name }) => name);

  const find = async (name: string): Promise<NodeMarks> => {
    const found = (await readNodes(folder)).find((node) => node.name === name);
    if (found === undefined) throw new Error(`cluster ${marks.name} has no node ${name}; it has ${nodes.join(', ')}`);
    return found;
  };
  const run = async (
    command: string,
    argv: readonly string[],
    { input = '' }: CommandOptions = {},
  ): Promise<string> => {
    const helm = join(folder, 'helm');
    const env = { KUBECONFIG: kubeconfig, HELM_CACHE_HOME: helm, HELM_CONFIG_HOME: helm, HELM_DATA_HOME: helm };
    return (await execa(command, argv, { input, env })).stdout;
  };
  const kubectl = (argv: readonly string[], options?: CommandOptions): Promise<string> =>
    run(join(marks.programs, 'kubectl'), argv, options);
  /** The host's way to Services must lead through a node that runs. */
  const chooseRouter = async (): Promise<void> => {
    for (const node of await readNodes(folder))
      if (await isRunning(folder, node)) {
        await routeServices(number, node.index);
        return;
      }
  };
  const dnsAnswers = async (): Promise<void> => {
    const rollout = ['rollout', 'status', 'daemonset/coredns', '--namespace=kube-system', '--timeout=120s'];
    await kubectl(rollout);
  };
  const stop = (): Promise<void> => removeCluster(folder);
  let claims: Promise<unknown> = Promise.resolve();

  return {
    name: marks.name,
    folder,
    kubeconfig,
    nodes,
    programs: marks.programs,
    kubectl,
    helm: (argv, options) => run(join(marks.programs, 'helm'), argv, options),
    async loadImages(archives) {
      await keepImages(folder, archives);
      for (const node of await readNodes(folder)) if (await isRunning(folder, node)) await loadInto(node);
    },
    async addNode(name) {
      // Those that are added at the same time are claimed in their order.
      const claim = claims.catch(() => undefined).then(() => claimNode(folder, name, MOST_NODES));
      claims = claim;
      const node = await claim;
      nodes.push(name);
      await prepareNode(place, node);
      await switchOn(place, node, signal);
      await chooseRouter();
      await dnsAnswers();
    },
    async killNode(name) {
      await switchOff(place, await find(name));
      await chooseRouter();
    },
    async startNode(name) {
      await switchOn(place, await find(name), signal);
      await chooseRouter();
    },
    async exec(name, argv, options) {
      const [command = '', ...words] = await inNode(await find(name), argv);
      return run(command, words, options);
    },
    rootOf: async (name) => `/proc/${await initOf(await find(name))}/root`,
    stopApiServer: () => killApiServer(place),
    startApiServer: () => startControlPlane(place),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Keeps copies for nodes to come, under names that change with the content. */
export async function keepImages(folder: string, archives: readonly string[]): Promise<void> {
  for (const archive of archives) {
    const { mtimeMs, size } = await stat(archive);
    const name = `${Math.round(mtimeMs)}-${size}-${basename(archive).replace(/\.tar$/, '')}.tar`;
    await copyFile(archive, join(folder, 'images', name));
  }
}
