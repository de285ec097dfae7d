/** What this node can do: every capability is tried for real, in a network namespace that no other process sees. */
import { closeSync, readFileSync } from 'node:fs';
import type { CapabilityName, ContainerRuntime, HostCapability } from '../contract/host.ts';
import { addIfb } from './kernel/ifb.ts';
import { createNetns, type NetnsHandle } from './kernel/netns.ts';
import { openNft, type NftSession } from './kernel/nft.ts';
import { createQueueTable } from './queue/queue-table.ts';
import { stressProgram } from './stress/stressors.ts';
import { openTap } from './tap/device.ts';
import { tcBatch, tcProgram } from './kernel/tc.ts';

/** Tries one capability. Returns what was found; throws when it is not there. */
type Attempt = () => string | Promise<string>;

/** What to do about each capability that is missing. */
const remedies: Readonly<Record<CapabilityName, string>> = {
  root: 'run the daemon as root, or give it CAP_NET_ADMIN and CAP_SYS_ADMIN',
  nftables: 'apt-get install libnftables1; modprobe nf_tables',
  'netdev-egress':
    'use Linux 5.16 or newer with CONFIG_NETFILTER_EGRESS; without it the sender sees an error where packets are dropped',
  'netns-cookie': 'use Linux 5.14 or newer; without it a namespace is known by its inode only',
  tc: 'apt-get install iproute2',
  'sch-htb': 'modprobe sch_htb',
  'sch-tbf': 'modprobe sch_tbf',
  'sch-netem': 'modprobe sch_netem (Debian and Ubuntu: in the kernel package; RHEL: dnf install kernel-modules-extra)',
  ifb: 'modprobe ifb numifbs=0',
  tun: 'modprobe tun; in a container, /dev/net/tun must be there',
  'nft-queue': 'modprobe nft_queue',
  nfqueue: 'modprobe -a nfnetlink_queue nft_queue, or xt_NFQUEUE and nft_compat',
  'container-runtime': 'start containerd or CRI-O, or give its socket with --runtime-endpoint',
  'stress-ng': 'apt-get install stress-ng',
  'cgroup-v1': 'nothing: cgroup v2 is enough',
  'cgroup-v2': 'boot with systemd.unified_cgroup_hierarchy=1',
};

/** Tries all. Never throws: what cannot be tried is not available, and says why. */
export async function findCapabilities(runtime: ContainerRuntime): Promise<readonly HostCapability[]> {
  const outside = await Promise.all([
    attempt('root', effectiveCapabilities),
    attempt('container-runtime', () => runtime.version()),
    attempt('stress-ng', stressProgram),
    attempt('cgroup-v1', () => cgroupMounts('cgroup')),
    attempt('cgroup-v2', () => cgroupMounts('cgroup2')),
  ]);
  return [...outside, ...(await insideNamespace())];
}

/** What is tried inside a namespace. */
const INSIDE = [
  'nftables',
  'netdev-egress',
  'netns-cookie',
  'tc',
  'sch-htb',
  'sch-tbf',
  'sch-netem',
  'ifb',
  'nfqueue',
  'nft-queue',
  'tun',
] as const;

async function insideNamespace(): Promise<HostCapability[]> {
  let netns: NetnsHandle;
  try {
    netns = createNetns();
  } catch (error) {
    const why = `not tried, because no network namespace can be made: ${wordsOf(error)}`;
    return INSIDE.map((name) => ({ name, available: false, detail: why, remedy: remedies.root }));
  }
  const nft = openNft(netns);
  try {
    return [
      await attempt('nftables', () =>
        tryTable(nft, 'inet', 'type filter hook output priority 0', 'table made and deleted in one process'),
      ),
      await attempt('netdev-egress', () =>
        tryTable(nft, 'netdev', 'type filter hook egress device lo priority 0', 'egress hook'),
      ),
      await attempt('netns-cookie', () => cookieOf(netns)),
      await attempt('tc', tcProgram),
      await attempt('sch-htb', () => tryQdisc(netns, 'htb default 0')),
      await attempt('sch-tbf', () => tryQdisc(netns, 'tbf rate 1gbit burst 100000 limit 100000')),
      await attempt('sch-netem', () => tryQdisc(netns, 'netem delay 1ms')),
      await attempt('ifb', () => tryIfb(netns)),
      await attempt('nfqueue', () => createQueueTable(netns, nft, { table: 'chaosplane_try', mask: 1, queue: 0 })),
      await attempt('nft-queue', () =>
        tryTable(nft, 'inet', 'type filter hook output priority 0', 'nft queue', 'meta mark 1 queue num 0'),
      ),
      await attempt('tun', () => tryTap(netns)),
    ];
  } finally {
    await nft.close();
    netns.close();
  }
}

async function attempt(name: CapabilityName, run: Attempt): Promise<HostCapability> {
  try {
    return { name, available: true, detail: await run(), remedy: '' };
  } catch (error) {
    return { name, available: false, detail: wordsOf(error), remedy: remedies[name] };
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function tryTable(nft: NftSession, family: 'inet' | 'netdev', hook: string, detail: string, rule?: string): string {
  const table = `${family} chaosplane_try_${family}`;
  nft.run([
    `add table ${table}`,
    `add chain ${table} c { ${hook} ; policy accept ; }`,
    ...(rule === undefined ? [] : [`add rule ${table} c ${rule}`]),
  ]);
  nft.run([`delete table ${table}`]);
  return detail;
}

async function tryQdisc(netns: NetnsHandle, kind: string): Promise<string> {
  await tcBatch(netns, [`qdisc add dev lo root handle c4a0: ${kind}`, 'qdisc del dev lo root']);
  return `${kind.split(' ')[0] ?? kind} qdisc added and deleted`;
}

function tryTap(netns: NetnsHandle): string {
  closeSync(openTap(netns, 'cptap-try'));
  return 'TAP device made';
}

function tryIfb(netns: NetnsHandle): string {
  // It goes with the namespace.
  addIfb(netns, 'cpifb-try');
  return 'IFB device added';
}

function cookieOf({ cookie }: NetnsHandle): string {
  if (cookie.startsWith('inode:')) throw new Error('the kernel does not know SO_NETNS_COOKIE');
  return 'SO_NETNS_COOKIE';
}

/** CAP_NET_ADMIN and CAP_SYS_ADMIN of capabilities(7), by number. */
const NEEDED = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n } as const;

function effectiveCapabilities(): string {
  const status = readFileSync('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const missing = Object.entries(NEEDED).filter(([, bit]) => ((effective >> bit) & 1n) === 0n);
  if (missing.length > 0) throw new Error(`the daemon lacks ${missing.map(([name]) => name).join(' and ')}`);
  return Object.keys(NEEDED).join(' and ');
}

/** Where cgroups of that version with controllers are mounted; see proc_pid_mounts(5). */
function cgroupMounts(type: 'cgroup' | 'cgroup2'): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const points = mounts
    .map((line) => line.split(' '))
    .flatMap(([, point, kind]) => (kind === type && point !== undefined ? [point] : []));
  const [first] = points;
  if (first === undefined) throw new Error(`no ${type} file system is mounted`);
  if (type === 'cgroup') return points.join(', ');
  const controllers = readFileSync(`${first}/cgroup.controllers`, 'utf8').trim();
  const missing = ['cpu', 'memory'].filter((name) => !controllers.split(' ').includes(name));
  if (missing.length > 0)
    throw new Error(`${first} lacks the controllers ${missing.join(' and ')}: cgroup v1 has them`);
  return `${first}: ${controllers}`;
}
