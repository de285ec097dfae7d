/** A laboratory for kernel tests: a target and its peers in network namespaces of their own, joined by one bridge. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { systemClock } from '@chaosplane/common';
import { openNetnsHandle, type NetnsHandle } from '@chaosplane/daemon/netns';

/** One end: a namespace with an interface eth0. */
export interface LabNamespace {
  /** As `ip netns` knows it. */
  readonly name: string;
  readonly path: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly netns: NetnsHandle;
}

/** The whole laboratory. Nothing of it is in the namespace that the tests themselves run in. */
export interface Lab {
  readonly target: LabNamespace;
  /** @throws Error when there are not so many. */
  peer(index: number): LabNamespace;
  /** Pulls the cable of that end out of the bridge, or puts it back: the ends themselves see no change. */
  plug(end: LabNamespace, plugged: boolean): void;
  /** Where the cable of that end is plugged in: a namespace as `ip netns` knows it, and the port of the bridge there. */
  outletOf(end: LabNamespace): { readonly namespace: string; readonly device: string };
  /** What goes to that end passes a link of that rate (bits a second) behind a queue of so many bytes; without one, as before. */
  slow(end: LabNamespace, link?: { readonly rateBits: number; readonly queueBytes: number }): void;
  /** Sets a kernel parameter of that end: `net.ipv4.tcp_syn_retries`. */
  sysctl(end: LabNamespace, name: string, value: string): void;
  /** Removes all of it. Idempotent. */
  close(): void;
}

/** IP version. */
export type Family = 4 | 6;

export const addressOf = (end: LabNamespace, family: Family): string => (family === 4 ? end.ipv4 : end.ipv6);

/** Runs `ip` and gives what it printed. @throws Error with its words. */
export function ip(...argv: readonly string[]): string {
  return execFileSync('ip', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Every name of one run of the tests carries its mark, so that what a run leaves behind can be told from others' things. */
export const RUN = process.env['CHAOSPLANE_TEST_RUN'] ?? systemClock.randomHex(3);

/** Builds it: the target has 10.77.0.1 and fd77::1, its peers the addresses behind. Call `close`, also after a failure. */
export function createLab({ peers = 1 }: { readonly peers?: number } = {}): Lab {
  const prefix = `cp${RUN}-${process.pid}-${systemClock.randomHex(2)}`;
  const bridge = `${prefix}-br`;
  const names = [`${prefix}-target`, ...Array.from({ length: peers }, (_, index) => `${prefix}-peer${index}`)];
  const handles: NetnsHandle[] = [];
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    for (const handle of handles) handle.close();
    ipBatch(
      ['-force'],
      [...names, bridge].map((name) => `netns del ${name}`),
    );
  };
  try {
    ipBatch(
      [],
      [...names, bridge].map((name) => `netns add ${name}`),
    );
    ipBatch(
      ['-n', bridge],
      [
        // Without snooping, neighbour discovery passes from the first packet on.
        'link add br0 type bridge mcast_snooping 0',
        'link set br0 up',
        ...names.map((name, index) => `link add port${index} type veth peer name eth0 netns ${name}`),
        ...names.flatMap((_, index) => [`link set port${index} master br0`, `link set port${index} up`]),
      ],
    );
    const ends = names.map((name, index) => {
      const end = { name, path: `/run/netns/${name}`, ipv4: `10.77.0.${index + 1}`, ipv6: `fd77::${index + 1}` };
      const netns = openNetnsHandle(end.path);
      handles.push(netns);
      configure(netns, end);
      return { ...end, netns };
    });
    const [target] = ends;
    if (target === undefined) throw new Error('a laboratory has a target');
    const peer = (index: number): LabNamespace => {
      const end = ends[index + 1];
      if (end === undefined) throw new Error(`this laboratory has ${peers} peers, and no number ${index}`);
      return end;
    };
    const outletOf = (end: LabNamespace) => ({ namespace: bridge, device: `port${names.indexOf(end.name)}` });
    const plug = (end: LabNamespace, plugged: boolean): void => {
      const { device } = outletOf(end);
      ipBatch(['-n', bridge], [`link set ${device} ${plugged ? 'master br0' : 'nomaster'}`]);
    };
    const slow: Lab['slow'] = (end, link) => {
      const tc = ['netns', 'exec', bridge, 'tc', 'qdisc', link === undefined ? 'del' : 'add'];
      const device = ['dev', outletOf(end).device, 'root'];
      const tbf = link === undefined ? '' : ` tbf rate ${link.rateBits}bit burst 1614 limit ${link.queueBytes}`;
      ip(...tc, ...device, ...tbf.split(' ').filter(Boolean));
    };
    const sysctl = (end: LabNamespace, name: string, value: string): void => {
      end.netns.within(() => writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, value));
    };
    return { target, peer, plug, outletOf, slow, sysctl, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Removes laboratories whose process was killed, never those of a living one. Returns the names it removed. */
export function sweepLabs(): string[] {
  const names = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  const orphans = names.filter((name) => {
    const owner = /^cp[0-9a-z]+-(\d+)-[0-9a-f]+-/.exec(name)?.[1];
    return owner !== undefined && !existsSync(`/proc/${owner}`);
  });
  ipBatch(
    ['-force'],
    orphans.map((name) => `netns del ${name}`),
  );
  return orphans;
}

function configure(netns: NetnsHandle, end: Omit<LabNamespace, 'netns'>): void {
  netns.within(() => {
    // Addresses count at once, and the kernel asks for no routers in the middle of a measurement.
    for (const name of ['accept_dad', 'router_solicitations', 'accept_ra']) {
      for (const device of ['default', 'eth0']) writeFileSync(`/proc/sys/net/ipv6/conf/${device}/${name}`, '0');
    }
  });
  ipBatch(
    ['-n', end.name],
    [
      'link set lo up',
      `address add ${end.ipv4}/24 dev eth0`,
      `address add ${end.ipv6}/64 dev eth0 nodad`,
      'link set eth0 up',
    ],
  );
}

function ipBatch(options: readonly string[], commands: readonly string[]): void {
  const input = commands.map((command) => `${command}\n`).join('');
  execFileSync('ip', [...options, '-batch', '-'], { input, stdio: ['pipe', 'pipe', 'pipe'] });
}
