/** The canonical text of a network namespace: equal texts before and after a fault mean that nothing of it was left behind. */
import { execa } from 'execa';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const TIMEOUT_MS = 20_000;

/** Runs a program inside one namespace. Gives what it printed, or one line that says why it could not. */
type RunProgram = (program: string, argv: readonly string[], input?: string) => Promise<string>;

/**
 * Describes everything in the network namespace at `netnsPath` that a fault could leave behind, in an order that depends on
 * nothing else: nftables, iptables, ipsets, qdiscs, links, addresses, rules and routes of all tables, sysctls, listening
 * sockets; IPv4 and IPv6. What moves by itself (counters, remaining times) is left out. A tool that the machine lacks is
 * told as `not installed`.
 * @throws Error when there is no network namespace at that path.
 */
export async function fingerprint(netnsPath: string): Promise<string> {
  const run = runnerIn(netnsPath);
  const links = parseObjects(await run('ip', ['-d', '-j', 'link', 'show']));
  const devices = links.flatMap(({ ifname }) => (typeof ifname === 'string' ? [ifname] : []));
  const sections = await Promise.all([
    section('nft', run('nft', ['-s', 'list', 'ruleset']).then(nftLines)),
    section('iptables-legacy', run('iptables-legacy-save', []).then(iptablesLines)),
    section('ip6tables-legacy', run('ip6tables-legacy-save', []).then(iptablesLines)),
    section('ipset', run('ipset', ['save']).then(ipsetLines)),
    section('tc', trafficControl(run, devices)),
    section('links', links.flatMap(linkLines)),
    section('addresses', run('ip', ['-j', 'address', 'show']).then(addressLines)),
    section('rules', run('ip', ['-4', 'rule', 'show']).then(lines)),
    section('rules v6', run('ip', ['-6', 'rule', 'show']).then(lines)),
    section('routes', run('ip', ['-4', 'route', 'show', 'table', 'all']).then(routeLines)),
    section('routes v6', run('ip', ['-6', 'route', 'show', 'table', 'all']).then(routeLines)),
    section('sysctls', run('grep', ['-rs', '', '/proc/sys/net']).then(sysctlLines)),
    section('sockets', run('ss', ['-Hnltuw']).then(socketLines)),
  ]);
  return sections.join('\n');
}

/** The lines that went (`- …`) and those that came (`+ …`), each with the section that it stands in. Empty when equal. */
export function differences(before: string, after: string): string[] {
  const [old, fresh] = [qualified(before), qualified(after)];
  return [...without(old, fresh).map((line) => `- ${line}`), ...without(fresh, old).map((line) => `+ ${line}`)];
}

function qualified(text: string): string[] {
  let heading = '';
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('# ')) return line === '' ? [] : [`${heading}: ${line}`];
    heading = line.slice(2);
    return [];
  });
}

/** The lines of `all` that are not in `others`, as often as they are there more often. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return all.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

function runnerIn(netnsPath: string): RunProgram {
  return async (program, argv, input = '') => {
    const result = await execa('nsenter', [`--net=${netnsPath}`, program, ...argv], {
      env: { PATH, LC_ALL: 'C' },
      extendEnv: false,
      input,
      reject: false,
      timeout: TIMEOUT_MS,
    });
    if (result.exitCode === 0 || result.stdout !== '') return result.stdout;
    if (result.stderr.includes('cannot open') || result.stderr.includes('reassociate')) {
      throw new Error(`there is no network namespace at ${netnsPath}: ${result.stderr}`);
    }
    if (result.exitCode === 127 || result.code === 'ENOENT') return 'not installed';
    return result.stderr === '' ? '' : `not readable: ${result.stderr.split('\n')[0] ?? ''}`;
  };
}

async function section(heading: string, content: readonly string[] | Promise<readonly string[]>): Promise<string> {
  return [`# ${heading}`, ...(await content), ''].join('\n');
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

const nftLines = (text: string): string[] => lines(text.replace(/ expires [0-9dhms]+/g, ''));

/** Without the numbers of counters, and without tables that hold nothing: a save alone makes those appear. */
function iptablesLines(text: string): string[] {
  const kept = lines(text.replace(/ \[\d+:\d+\]/g, '')).filter((line) => !line.startsWith('#'));
  const tables = kept.join('\n').split(/(?<=^COMMIT)\n/m);
  return tables.filter((table) => !/^\*\S+(\n:\S+ ACCEPT)*\nCOMMIT$/.test(table)).flatMap(lines);
}

/** The order of a hash's elements is chance. */
function ipsetLines(text: string): string[] {
  const all = lines(text);
  const adds = all.filter((line) => line.startsWith('add ')).map((line) => line.replace(/ timeout \d+/, ''));
  return [...all.filter((line) => !line.startsWith('add ')), ...adds].toSorted();
}

async function trafficControl(run: RunProgram, devices: readonly string[]): Promise<string[]> {
  const qdiscs = lines(await run('tc', ['qdisc', 'show']));
  const perDevice = devices.toSorted().map(async (device) => {
    const hooks = qdiscs.some((line) => /^qdisc (ingress|clsact) /.test(line) && line.includes(` dev ${device} `));
    const commands = ['class show', 'filter show', ...(hooks ? ['filter show ingress', 'filter show egress'] : [])];
    const batch = commands.map((command) => command.replace('show', `show dev ${device}`)).join('\n');
    const shown = lines(await run('tc', ['-force', '-batch', '-'], `${batch}\n`));
    return shown.map((line) => `${device} ${line.trim()}`);
  });
  // HTB counts its direct packets also where no statistics are asked for.
  const still = qdiscs.map((line) => line.replace(/ direct_packets_stat \d+/, '')).toSorted();
  return [...still, ...(await Promise.all(perDevice)).flat()];
}

/** Numbers of the kernel that say where the other end is, and timers of bridges. */
const MOVING_LINK_KEY = /(^|\.)(ifindex|link|link_index|link_netnsid|ifname|[a-z_]*timer)$/;

function linkLines(link: Readonly<Record<string, unknown>>): string[] {
  return leaves(link)
    .filter(([key]) => !MOVING_LINK_KEY.test(key))
    .map(([key, value]) => `${String(link['ifname'])} ${key} ${value}`)
    .toSorted();
}

/** Every value of a nested object with the path to it. Lists are one value. */
function leaves(value: object, path = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]): [string, string][] => {
    const at = path === '' ? key : `${path}.${key}`;
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) return leaves(inner, at);
    return [[at, Array.isArray(inner) ? inner.map(String).join(',') : String(inner)]];
  });
}

/** Remaining life times move, and an address stops being tentative by itself. */
const MOVING_ADDRESS_KEY = /^(valid_life_time|preferred_life_time|tentative)$/;

function addressLines(text: string): string[] {
  return parseObjects(text).flatMap((link) => {
    const addresses = Array.isArray(link['addr_info']) ? (link['addr_info'] as object[]) : [];
    return addresses.map((address) => {
      const words = leaves(address).filter(([key]) => !MOVING_ADDRESS_KEY.test(key));
      return `${String(link['ifname'])} ${words.map(([key, value]) => `${key} ${value}`).join(' ')}`;
    });
  });
}

const routeLines = (text: string): string[] =>
  lines(text.replace(/ expires \S+/g, ''))
    .map((line) => line.trim())
    .toSorted();

/** Counts of what happens to be open now, and random secrets that the kernel draws when they are first needed. */
const MOVING_SYSCTL = /\/(nf_conntrack_count|stable_secret|tcp_fastopen_key)$/;

function sysctlLines(text: string): string[] {
  return lines(text)
    .map((line) => line.replace('/proc/sys/net/', '').replace(':', ' = ').replaceAll('\t', ' '))
    .filter((line) => !MOVING_SYSCTL.test(`/${line.split(' ')[0] ?? ''}`))
    .toSorted();
}

/** Protocol, state and address; the queue in front of it moves. */
function socketLines(text: string): string[] {
  return lines(text)
    .map((line) => line.trim().split(/\s+/))
    .map(([protocol = '', state = '', , , local = '', peer = '']) => `${protocol} ${state} ${local} ${peer}`.trim())
    .toSorted();
}

function parseObjects(json: string): Readonly<Record<string, unknown>>[] {
  if (!json.startsWith('[')) return [];
  // `ip -j` prints an empty object for what its filters left out.
  return (JSON.parse(json) as Readonly<Record<string, unknown>>[]).filter((object) => Object.keys(object).length > 0);
}
