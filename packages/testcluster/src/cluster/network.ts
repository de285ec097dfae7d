/** The network around a cluster's nodes: a namespace with a bridge, in which the control plane lives, and a way there for the host. */
import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { markOf } from './folder.ts';
import { addressPlan, freeNumbers, LAST_NUMBER, FIRST_NUMBER, MOST_NODES, type AddressPlan } from './ranges.ts';

/** Runs `ip`; throws with what it said. */
async function ip(...argv: readonly string[]): Promise<string> {
  return (await execa('ip', argv)).stdout;
}

/**
 * Claims a free range of addresses by making an interface with its number in the name, which only one process can do.
 * @throws Error when all ranges are taken.
 */
export async function claimNumber(address: string): Promise<number> {
  const routes = (await ip('-4', 'route', 'show', 'table', 'all')).split('\n').map((line) => {
    const [first = '', second = ''] = line.split(' ');
    return /^[a-z]+$/.test(first) && first !== 'default' ? second : first;
  });
  for (const number of freeNumbers(routes)) {
    const link = markOf(number);
    const argv = ['link', 'add', link, 'address', address, 'type', 'veth', 'peer', 'name', `${link}p`];
    const { failed, stderr } = await execa('ip', argv, { reject: false });
    if (!failed) return number;
    if (!stderr.includes('File exists')) throw new Error(`cannot make the interface ${link}: ${stderr}`);
  }
  throw new Error(`no free range of addresses from 10.${FIRST_NUMBER}.0.0/16 to 10.${LAST_NUMBER}.0.0/16`);
}

/** The number whose interface has this hardware address; undefined when nothing is claimed by it. */
export async function claimedNumber(address: string): Promise<number | undefined> {
  const links = JSON.parse(await ip('-j', 'link', 'show')) as { ifname: string; address?: string }[];
  const name = links.find((link) => link.address === address)?.ifname;
  return name === undefined ? undefined : Number(name.slice(markOf(0).length - 1));
}

/** The kernel's limit (IFALIASZ), less the end of a string. */
const MOST_ALIAS = 255;

/** Makes the namespace, the bridge and the host's way to nodes, pods and Services. `ip link` says whose they are: `folder`'s. */
export async function makeNetwork(number: number, folder: string): Promise<void> {
  const name = markOf(number);
  const plan = addressPlan(number);
  await ip('link', 'set', 'dev', name, 'alias', folder.slice(-MOST_ALIAS));
  await ip('netns', 'add', name);
  await ip('link', 'set', `${name}p`, 'netns', name, 'name', 'host');
  const pods = Array.from({ length: MOST_NODES }, (_, at) => podRoute(plan, at + 1));
  await batch(name, [
    'link set lo up',
    // Otherwise it has the lowest address of its ports, and another one when that node goes: who knew the old one waits for half a minute.
    `link add br0 address 02:00:00:00:00:${number.toString(16).padStart(2, '0')} type bridge`,
    `addr add ${plan.controlPlane}/24 dev br0`,
    'link set br0 up',
    'link set host master br0 up',
    ...pods,
  ]);
  // No redirects: a client that learns another way to a pod would lose its connections when that node dies.
  const settings = [
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.send_redirects=0',
    'net.ipv4.conf.br0.send_redirects=0',
  ];
  await execa('ip', ['netns', 'exec', name, 'sysctl', '-qw', ...settings]);
  await ip('addr', 'add', `${plan.host}/24`, 'dev', name);
  await ip('link', 'set', name, 'up');
  for (const range of [plan.allPods, plan.services]) await ip('route', 'add', range, 'via', plan.controlPlane);
}

/** The way to the pods of a node, the same everywhere but on that node. */
export const podRoute = (plan: AddressPlan, index: number): string =>
  `route add ${plan.pods(index)} via ${plan.node(index)}`;

async function batch(namespace: string, lines: readonly string[]): Promise<void> {
  await execa('ip', ['-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Sends what the host and the control plane want from Services through the kube-proxy of this node. */
export async function routeServices(number: number, index: number): Promise<void> {
  const plan = addressPlan(number);
  await ip('-n', markOf(number), 'route', 'replace', plan.services, 'via', plan.node(index));
}

/** Removes the namespaces of the control plane and of the nodes. */
export async function removeNamespaces(number: number): Promise<void> {
  const name = markOf(number);
  const all = JSON.parse((await ip('-j', 'netns', 'list')) || '[]') as { name: string }[];
  for (const { name: found } of all)
    if (found === name || found.startsWith(`${name}-`)) await execa('ip', ['netns', 'del', found], { reject: false });
}

/** Gives the range back: after it another cluster may take the number, so it is the last thing that goes. */
export async function releaseNumber(number: number): Promise<void> {
  const name = markOf(number);
  const { stderr } = await execa('ip', ['link', 'del', name], { reject: false });
  if (existsSync(`/sys/class/net/${name}`)) throw new Error(`cannot remove the interface ${name}: ${stderr}`);
}
