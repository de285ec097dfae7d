/** One node: its files, its power switch, and commands in it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@chaosplane/testkit/eventually';
import { execa } from 'execa';
import { isReady } from '../api.ts';
import { makeCertificate, writeKubeconfig } from '../certificates.ts';
import { cgroupRoots, limitMemory, makeCgroups } from '../cgroups.ts';
import { serverOf, type Place } from '../control-plane.ts';
import { markOf, type NodeMarks } from '../folder.ts';
import { cniPlugins } from '../prerequisites.ts';
import { backgroundProcess, kill, startBackground } from '../processes.ts';
import { addressPlan } from '../ranges.ts';
import { nodeFiles } from './config.ts';

const READY_LIMIT_MS = 120_000;
const MEMORY_BYTES = 6 * 2 ** 30;
const boot = ({ index }: NodeMarks): string => `node${index}`;

/** Writes the node's certificate and files. */
export async function prepareNode({ folder, number, programs }: Place, node: NodeMarks): Promise<void> {
  const plan = addressPlan(number);
  const [file, mark] = [`node${node.index}`, markOf(number)];
  const names = [node.name, plan.node(node.index)];
  const commonName = `system:node:${node.name}`;
  await makeCertificate(folder, { file, commonName, organization: 'system:nodes', names });
  await writeKubeconfig(folder, file, serverOf(number), mark);
  await makeCgroups(`${mark}/node${node.index}`);
  await limitMemory(`${mark}/node${node.index}`, MEMORY_BYTES);
  const settings = { node, mark, plan, folder, programs, cniPlugins: cniPlugins(), cgroupRoots: await cgroupRoots() };
  for (const [name, content] of Object.entries(nodeFiles(settings))) await writeFile(join(node.folder, name), content);
}

/** Switches a node on; resolves when Kubernetes calls this boot of it Ready. */
export async function switchOn({ folder, number }: Place, node: NodeMarks, signal?: AbortSignal): Promise<void> {
  if (await isRunning(folder, node)) throw new Error(`node ${node.name} is running`);
  const argv = [join(import.meta.dirname, 'boot.sh'), node.folder];
  await startBackground({ folder, name: boot(node), argv, cgroup: `${markOf(number)}/control` });
  const ready = async (): Promise<boolean> => {
    const bootId = (await readFile(join(node.folder, 'boot_id'), 'utf8').catch(() => '')).trim();
    if (!(await isRunning(folder, node))) throw new Error(`node ${node.name} did not start: see ${folder}/log`);
    return isReady(folder, number, node.name, bootId);
  };
  await eventually(`node ${node.name} is Ready`, ready, { withinMs: READY_LIMIT_MS, everyMs: 100, signal });
}

/** A power cut: its init and all its processes die at once. */
export async function switchOff({ folder }: Place, node: NodeMarks): Promise<void> {
  kill(await initOf(node));
  const off = async (): Promise<boolean> => !(await isRunning(folder, node));
  await eventually(`node ${node.name} is off`, off, { withinMs: 10_000, everyMs: 100 });
}

export async function isRunning(folder: string, node: NodeMarks): Promise<boolean> {
  return (await backgroundProcess(folder, boot(node))) !== undefined;
}

/** Process 1 of the node, as the host sees it. Throws when the node does not run. */
export async function initOf(node: NodeMarks): Promise<number> {
  const parent = (await readFile(join(node.folder, 'unshare.pid'), 'utf8').catch(() => '')).trim();
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '');
  const pid = Number(children.trim().split(' ')[0]);
  if (parent === '' || !(pid > 0)) throw new Error(`node ${node.name} is not running`);
  return pid;
}

/** The command that runs `argv` in all namespaces of the node. */
export async function inNode(node: NodeMarks, argv: readonly string[]): Promise<readonly string[]> {
  return ['nsenter', '-t', String(await initOf(node)), '-m', '-n', '-p', '-u', '-i', '-C', '--', ...argv];
}

/** Loads the cluster's image archives that the node has not loaded yet. Throws with what containerd said. */
export async function loadInto(node: NodeMarks): Promise<void> {
  const script = join(import.meta.dirname, 'load-images.sh');
  const [command = '', ...words] = await inNode(node, [script, node.folder]);
  await execa(command, words);
}
