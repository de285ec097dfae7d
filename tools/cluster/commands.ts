/** The commands of `npm run cluster`. */
import { delimiter, resolve } from 'node:path';
import {
  allClusters,
  imagePackages,
  inNode,
  isRunning,
  openCluster,
  packages,
  readNodes,
  startCluster,
  sweepClusters,
  whyNoCluster,
  type Cluster,
} from '@chaosplane/testcluster';
import { installRelease } from '@chaosplane/testcluster/release';
import { Option, type Command } from 'commander';
import { execa } from 'execa';
import { missing, provide } from '../test/packages.ts';

/** Where the commands' words go, and what they are given. */
export interface ClusterEnvironment {
  readonly print: (line: string) => void;
  /** For what is going on. */
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
  /** What was typed after the program's name. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_NAME = 'chaosplane';

/** Clusters that stay; a test's own is not for people to use or to stop. */
async function standing(): Promise<readonly { folder: string; name: string }[]> {
  const found = (await allClusters()).filter(({ marks }) => marks.owner === null);
  return found.map(({ folder, marks }) => ({ folder, name: marks.name }));
}

async function named(name: string): Promise<Cluster> {
  const all = await standing();
  const found = all.find((cluster) => cluster.name === name);
  if (found !== undefined) return openCluster(found.folder);
  const others = all.length === 0 ? 'none is up' : `there are ${all.map((cluster) => cluster.name).join(', ')}`;
  throw new Error(`there is no cluster ${name}; ${others}; start one: npm run cluster -- up --name ${name}`);
}

/** Runs a program in this terminal, and exits as it does. */
async function inTerminal(
  cluster: Cluster,
  [command = '', ...words]: readonly string[],
  { environment }: ClusterEnvironment,
): Promise<void> {
  const env = {
    KUBECONFIG: cluster.kubeconfig,
    PATH: [cluster.programs, environment['PATH'] ?? ''].join(delimiter),
    CHAOSPLANE_CLUSTER: cluster.name,
  };
  const { exitCode } = await execa(command, words, { env, stdio: 'inherit', reject: false });
  process.exitCode = exitCode ?? 1;
}

/** How kubectl and helm, which have a --name of their own, are told which cluster. */
const toolCommand = (name: string): string =>
  `${name === DEFAULT_NAME ? '' : `CHAOSPLANE_CLUSTER=${name} `}npm run cluster --`;

const nameOption = (): Option => new Option('--name <name>', 'which cluster').default(DEFAULT_NAME);

/** Adds all commands. */
export function addCommands(program: Command, surroundings: ClusterEnvironment): void {
  program.enablePositionalOptions();
  program.hook('preAction', async () => {
    const wanted = missing({ ...packages, ...imagePackages });
    const lacking = await provide(wanted, 'the cluster and the images', surroundings.report);
    const why = lacking ?? whyNoCluster();
    if (why !== undefined) throw new Error(why);
  });
  addLifeCommands(program, surroundings);
  addReleaseCommands(program, surroundings.report);
  addTerminalCommands(program, surroundings);
}

/** Clusters come and go. */
function addLifeCommands(program: Command, surroundings: ClusterEnvironment): void {
  const { print, report } = surroundings;
  program
    .command('up')
    .description('start a cluster; it stays until it is taken down')
    .addOption(nameOption())
    .option('--nodes <list>', 'how many nodes, or their names: 2, or n1,node.with.dots', '2')
    .option('--control-plane-only', 'no nodes')
    .action((options: UpOptions) => up(options, surroundings));

  program
    .command('down')
    .description('remove a cluster, with all that it put on this machine')
    .addOption(nameOption())
    .option('--all', 'all that were started by `up`, and what killed programs left')
    .action(async ({ name, all }: { name: string; all?: true }) => {
      for (const cluster of all === true ? await standing() : [await named(name)]) {
        await (await openCluster(cluster.folder)).stop();
        report(`removed ${cluster.name}`);
      }
      for (const folder of await sweepClusters()) report(`removed what a killed program had left: ${folder}`);
    });

  program
    .command('list')
    .description('the clusters that are up, and their nodes')
    .action(async () => {
      for (const { folder, name } of await standing()) {
        const nodes = (await readNodes(folder)).map(async (node) => {
          return `${node.name}${(await isRunning(folder, node)) ? '' : ' (off)'}`;
        });
        print([name, folder, ...(await Promise.all(nodes))].join('  '));
      }
    });
}

/** What is put on a cluster. */
function addReleaseCommands(program: Command, report: (line: string) => void): void {
  program
    .command('load')
    .description('load OCI image archives into every node')
    .argument('<archive...>')
    .addOption(nameOption())
    .action(async (archives: string[], { name }: { name: string }) => {
      await (await named(name)).loadImages(archives.map((archive) => resolve(archive)));
    });

  program
    .command('install')
    .description('build the images of this checkout, load them, and install or upgrade its chart')
    .addOption(nameOption())
    .option('--set <setting...>', "settings of the chart, as helm's --set takes them", [])
    .action(async ({ name, set }: { name: string; set: string[] }) => {
      await installRelease(await named(name), { report, set });
      report(`installed: ${toolCommand(name)} kubectl get pods --namespace chaosplane`);
    });
}

/** What people do on a cluster. */
function addTerminalCommands(program: Command, surroundings: ClusterEnvironment): void {
  program
    .command('kubeconfig')
    .description('print the path of the kubeconfig')
    .addOption(nameOption())
    .action(async ({ name }: { name: string }) => surroundings.print((await named(name)).kubeconfig));

  program
    .command('shell')
    .description('a shell with KUBECONFIG, kubectl and helm; or inside a node; or one command after --')
    .usage('[NODE] [-- COMMAND…]')
    .argument('[words...]')
    .addOption(nameOption())
    .action(async (words: string[], { name }: { name: string }) => {
      const at = surroundings.words.indexOf('--');
      const command = at < 0 ? [] : surroundings.words.slice(at + 1);
      await shell(await named(name), words.slice(0, words.length - command.length), command, surroundings);
    });

  for (const tool of ['kubectl', 'helm'])
    program
      .command(tool)
      .description(`run ${tool} against the cluster (CHAOSPLANE_CLUSTER names another one)`)
      .argument('[words...]')
      .helpOption(false)
      .allowUnknownOption()
      .passThroughOptions()
      .action(async (words: string[]) => {
        const cluster = await named(surroundings.environment['CHAOSPLANE_CLUSTER'] ?? DEFAULT_NAME);
        await inTerminal(cluster, [tool, ...words], surroundings);
      });
}

interface UpOptions {
  readonly name: string;
  readonly nodes: string;
  readonly controlPlaneOnly?: true;
}

async function up({ name, nodes, controlPlaneOnly }: UpOptions, surroundings: ClusterEnvironment): Promise<void> {
  const { print, report, signal } = surroundings;
  if ((await standing()).some((cluster) => cluster.name === name))
    throw new Error(`cluster ${name} is up already; another one needs another --name`);
  const wanted = /^\d+$/.test(nodes) ? Number(nodes) : nodes.split(',');
  const cluster = await startCluster({
    name,
    nodes: controlPlaneOnly === true ? 0 : wanted,
    report,
    signal,
    stays: true,
  });
  const option = name === DEFAULT_NAME ? '' : ` --name ${name}`;
  report(`cluster ${name} is up${cluster.nodes.length === 0 ? '' : `: ${cluster.nodes.join(', ')}`}`);
  report(`with your own kubectl, or with PATH="${cluster.programs}:$PATH":`);
  print(`export KUBECONFIG=${cluster.kubeconfig}`);
  report(
    `or: ${toolCommand(name)} kubectl get nodes · npm run cluster -- shell${option} · npm run cluster -- down${option}`,
  );
}

async function shell(
  cluster: Cluster,
  [node, ...more]: readonly string[],
  command: readonly string[],
  surroundings: ClusterEnvironment,
): Promise<void> {
  if (more.length > 0) throw new Error('one node at most; a command goes after --');
  if (node === undefined) {
    const own = surroundings.environment['SHELL'] ?? '/bin/bash';
    await inTerminal(cluster, command.length === 0 ? [own] : command, surroundings);
    return;
  }
  const marks = (await readNodes(cluster.folder)).find(({ name }) => name === node);
  if (marks === undefined) throw new Error(`there is no node ${node}; there are ${cluster.nodes.join(', ')}`);
  await inTerminal(cluster, await inNode(marks, command.length === 0 ? ['/bin/bash'] : command), surroundings);
}
