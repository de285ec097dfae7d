/** Pairs of pods, one of which sends and one receives, with a cable between them that can be pulled out. */
import { writeFileSync } from 'node:fs';
import { openNetnsHandle } from '@chaosplane/daemon/netns';
import type { Pod, Testbed } from '@chaosplane/testbed';
import type { LabNamespace } from '@chaosplane/testkit';
import { execa } from 'execa';
import * as z from 'zod';
import type { ChaosMeshTarget } from '../chaos-mesh/daemon.ts';

/** Two pods of one node. */
export interface Pair {
  readonly sender: LabNamespace;
  readonly receiver: LabNamespace;
  /** The sender, as Chaos Mesh names it. */
  readonly target: ChaosMeshTarget;
  /** The interface of the node at which the receiver's cable ends. */
  readonly port: string;
  /** Pulls the receiver's cable out of the bridge, or puts it back: neither end sees a change. */
  plug(plugged: boolean): Promise<void>;
  close(): void;
}

const link = z.object({
  ifindex: z.number(),
  ifname: z.string(),
  address: z.string(),
  link_index: z.number().optional(),
  master: z.string().optional(),
});
type Link = z.infer<typeof link>;

/** Starts them; `synRetries` is how often the sender's connect() asks again. */
export async function startPair(testbed: Testbed, name: string, synRetries: number): Promise<Pair> {
  const run = (role: string): Promise<Pod> =>
    testbed.runPod({ name: `${role}-${name}`, containers: [{ name: 'app', args: ['pause'] }] });
  const pods = [await run('sender'), await run('receiver')] as const;
  const [sender, receiver] = [endOf(pods[0]), endOf(pods[1])];
  const nearEnd = await onlyLink(sender.path);
  const farEnd = await onlyLink(receiver.path);
  // The next hop of pods on two nodes is a router, which stays: an address that cannot be resolved would be another fault.
  await neighbour(sender, receiver.ipv4, farEnd.address);
  await neighbour(receiver, sender.ipv4, nearEnd.address);
  // What one run learnt about a peer would begin the next one.
  for (const end of [sender, receiver]) sysctl(end, 'tcp_no_metrics_save', 1);
  sysctl(sender, 'tcp_syn_retries', synRetries);
  const port = (await links([])).find(({ ifindex }) => ifindex === farEnd.link_index);
  if (port?.master === undefined) throw new Error(`the cable of pod ${receiver.name} ends at no bridge`);
  const { ifname, master } = port;
  return {
    sender,
    receiver,
    target: { container: `containerd://${pods[0].containers['app']?.id ?? ''}`, podUid: pods[0].uid },
    port: ifname,
    async plug(plugged) {
      await execa('ip', ['link', 'set', ifname, ...(plugged ? ['master', master] : ['nomaster'])]);
    },
    close() {
      for (const { netns } of [sender, receiver]) netns.close();
    },
  };
}

function endOf({ name, ips, netnsPath }: Pod): LabNamespace {
  const path = netnsPath ?? '';
  return { name, path, ipv4: ips.v4, ipv6: ips.v6, netns: openNetnsHandle(path) };
}

async function links(within: readonly string[]): Promise<Link[]> {
  const [program, ...argv] = [...within, 'ip', '-j', 'link', 'show'];
  const { stdout } = await execa(program, argv);
  return z.array(link).parse(JSON.parse(stdout));
}

async function onlyLink(netnsPath: string): Promise<Link> {
  const eth0 = (await links(['nsenter', `--net=${netnsPath}`])).find(({ ifname }) => ifname === 'eth0');
  if (eth0 === undefined) throw new Error(`${netnsPath} has no eth0`);
  return eth0;
}

async function neighbour({ path }: LabNamespace, address: string, mac: string): Promise<void> {
  const argv = ['ip', 'neigh', 'replace', address, 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent'];
  await execa('nsenter', [`--net=${path}`, ...argv]);
}

function sysctl({ netns }: LabNamespace, name: string, value: number): void {
  netns.within(() => writeFileSync(`/proc/sys/net/ipv4/${name}`, String(value)));
}
