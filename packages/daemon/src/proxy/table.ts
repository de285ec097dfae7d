/** The table of redirects that all proxies of a namespace add up to. Pure. */
import { formatCidr } from '@chaosplane/common';
import type { Chain, NftSet, Table } from '../nft/ruleset.ts';
import { hex } from '../netns/names.ts';
import { ipOf } from '../netns/peers.ts';
import { livenessSet } from '../nft/liveness-set.ts';
import {
  HOLD_TABLE,
  PROXY_MASK,
  PROXY_TABLE,
  PROXY_ZONE,
  REDIRECTED_QUERY,
  RETURNING,
  TRANSPARENT,
  UPSTREAM,
} from './names.ts';
import type { DnsRule, HttpRule, ProxyRule, Side, TimedRule } from '../model/proxy-rule.ts';

/** Where the proxies of a namespace listen. */
export interface Ports {
  /** TCP port of the HTTP proxy of that side and family; absent where the pod has no such addresses. */
  http(side: Side, family: 4 | 6): number | undefined;
  /** UDP and TCP ports of the DNS proxy in front of a resolver. */
  dns(resolver: string): { readonly udp: number; readonly tcp: number } | undefined;
}

const families = [4, 6] as const;

/** What the table has to do. */
export interface Duties {
  readonly rules: readonly TimedRule[];
  readonly ports: Ports;
  /** Whether there are connections from a proxy to the application, also of rules that are gone. */
  readonly returns: boolean;
  /** The proxies have as many connections as they may: new ones are counted, and pass directly. */
  readonly full: boolean;
}

/** Connections begin with this. What was open before goes on without us. */
const FIRST_PACKET = 'tcp flags & (fin|syn|rst|ack) == syn';

/** A connection is set to be ours before others' redirects look at it (dstnat is -100). */
const NAT_PRIORITY = -110;

const KEEP_OTHER_BITS = hex(~PROXY_MASK);
const marked = (what: 'meta' | 'ct', mark: number): string => `${what} mark and ${hex(PROXY_MASK)} == ${hex(mark)}`;
const OURS = (what: 'meta' | 'ct'): string => `${what} mark and ${hex(PROXY_MASK)} != 0`;
const setMark = (what: 'meta' | 'ct', mark: number): string =>
  `${what} mark set ${what} mark and ${KEEP_OTHER_BITS} or ${hex(mark)}`;

/** The name of a rule's liveness set: while its elements live, connections are redirected for it. */
const liveName = ({ id }: ProxyRule): string => `${id}_live`;

/** The counter of queries that a DNS rule cannot see, because they go to resolvers that are not the pod's. */
export const strayName = ({ id }: ProxyRule): string => `${id}_stray`;

/** The counter of new connections that a rule did not redirect, because the proxies had too many. */
export const beyondName = ({ id }: ProxyRule): string => `${id}_beyond`;

/** What is in the namespace beside the redirects as long as there are HTTP proxies; see HOLD_TABLE. */
export const holdTable: Table = {
  family: 'inet',
  name: HOLD_TABLE,
  counters: [],
  sets: [],
  chains: [{ name: 'hold', hook: `type nat hook prerouting priority ${NAT_PRIORITY} ;`, rules: [] }],
};

/** The table that carries out `duties`. Without rules its redirects are gone, and open connections go on. */
export function proxyTable({ rules, ports, returns, full }: Duties): Table {
  const http = rules.flatMap(({ rule }) => (rule.kind === 'http' ? [rule] : []));
  const dns = rules.flatMap(({ rule }) => (rule.kind === 'dns' ? [rule] : []));
  const server = http.filter(({ side }) => side === 'server');
  const client = http.filter(({ side }) => side === 'client');
  return {
    family: 'inet',
    name: PROXY_TABLE,
    flags: 'owner',
    counters: [...dns.map(strayName), ...rules.map(({ rule }) => beyondName(rule))],
    sets: rules.map(livenessOf),
    chains: [
      {
        name: 'arriving',
        hook: `type nat hook prerouting priority ${NAT_PRIORITY} ;`,
        rules: server.flatMap((rule) => httpRedirects(rule, ports, full)),
      },
      {
        name: 'leaving',
        hook: `type nat hook output priority ${NAT_PRIORITY} ;`,
        rules: [
          // Known by its conntrack mark from then on, so that a reset of open connections leaves it alone.
          `${marked('meta', UPSTREAM)} ${setMark('ct', UPSTREAM)} return`,
          `${OURS('meta')} return`,
          ...client.flatMap((rule) => httpRedirects(rule, ports, full)),
          ...dns.flatMap((rule) => dnsRedirects(rule, ports, full)),
        ],
      },
      ...(returns ? returnChains : []),
      ...resetChains(http.filter(({ existing }) => existing === 'reset')),
      ...strayChains(dns),
    ],
  };
}

/** A sign of life: each set written again, because adding what is there extends it on newer kernels only (not on 6.1). */
export function renewCommands(rules: readonly TimedRule[]): string[] {
  return rules
    .map(livenessOf)
    .flatMap(({ name, elements }) => [
      `flush set inet ${PROXY_TABLE} ${name}`,
      `add element inet ${PROXY_TABLE} ${name} { ${elements.join(', ')} }`,
    ]);
}

const livenessOf = ({ rule, remainingMs }: TimedRule): NftSet => livenessSet(liveName(rule), remainingMs);

/** The kernel's own way of saying "while it lives, and not inside the pod". */
function httpScope(rule: HttpRule): string {
  const device = rule.side === 'server' ? 'iifname' : 'oifname';
  return `${device} != "lo" meta protocol @${liveName(rule)} tcp dport ${rule.port}`;
}

function httpRedirects(rule: HttpRule, ports: Ports, full: boolean): string[] {
  return families.flatMap((family) => {
    const port = ports.http(rule.side, family);
    if (port === undefined) return [];
    const strangers = notSpared(rule, family);
    return [
      `meta nfproto ipv${family} ${httpScope(rule)} ${strangers}${FIRST_PACKET} ${full ? passBy(rule) : `redirect to :${port}`}`,
    ];
  });
}

/** Such a connection is marked, so that a reset of those that were open before leaves it alone. */
function passBy(rule: ProxyRule): string {
  return `counter name ${beyondName(rule)} ${setMark('ct', UPSTREAM)}`;
}

/** A probe of the kubelet's is not redirected, so that it goes on while the daemon is held up, too. */
function notSpared({ side, port, spared }: HttpRule, family: 4 | 6, end: 'saddr' | 'daddr' = 'saddr'): string {
  if (side === 'client' || spared?.ports.includes(port) !== true) return '';
  const addresses = spared.addresses.filter((address) => address.family === family);
  if (addresses.length === 0) return '';
  return `${ipOf(family)} ${end} != { ${addresses.map(formatCidr).join(', ')} } `;
}

function dnsRedirects(rule: DnsRule, ports: Ports, full: boolean): string[] {
  return rule.resolvers.flatMap((resolver) => {
    const port = ports.dns(resolver);
    if (port === undefined) return [];
    const scope = `${ipOf(familyOf(resolver))} daddr ${resolver} meta protocol @${liveName(rule)}`;
    if (full) {
      return [`${scope} udp dport 53 ${passBy(rule)}`, `${scope} tcp dport 53 ${FIRST_PACKET} ${passBy(rule)}`];
    }
    return [
      // Marked, so that these flows can be told to conntrack again: it remembers UDP for up to two minutes.
      `${scope} udp dport 53 ${setMark('ct', REDIRECTED_QUERY)} redirect to :${port.udp}`,
      `${scope} tcp dport 53 ${FIRST_PACKET} redirect to :${port.tcp}`,
    ];
  });
}

/**
 * Brings the application's answers back to the proxy, although they are addressed to the client. The connection begins with the
 * very addresses of the client's own, so conntrack keeps what the proxy sends in a zone of its own. That zone is one of the
 * original direction alone: the answers differ anyway, since the client's connection is answered from the proxy's port, and are
 * found where all packets are. Answers of connections that never met a proxy are so left as they are. In a zone of the proxy
 * conntrack would take each for the beginning of a connection, and drop all but one of those that wait in a queue together.
 *
 * The chains are lasting: when a rule goes that sets a zone, the kernel drops what waits in the queues of the namespace, as for a hook.
 */
const returnChains: readonly Chain[] = [
  {
    name: 'zone',
    hook: 'type filter hook output priority raw ;',
    lasting: true,
    rules: [`${marked('meta', TRANSPARENT)} ct original zone set ${PROXY_ZONE}`],
  },
  {
    name: 'homeward',
    hook: 'type route hook output priority mangle ;',
    lasting: true,
    rules: [
      `${marked('meta', TRANSPARENT)} ${setMark('ct', TRANSPARENT)}`,
      `ct direction reply ${marked('ct', TRANSPARENT)} ${setMark('meta', RETURNING)}`,
    ],
  },
];

/** Resets what was open before, each connection at its next packet. A new one is never seen here under its own port. */
function resetChains(rules: readonly HttpRule[]): Chain[] {
  if (rules.length === 0) return [];
  return [
    {
      name: 'reset_in',
      hook: 'type filter hook input priority filter ;',
      rules: [`${OURS('ct')} return`, ...rules.flatMap((rule) => resets(rule, 'in'))],
    },
    {
      name: 'reset_out',
      hook: 'type filter hook output priority filter ;',
      rules: [`${OURS('meta')} return`, `${OURS('ct')} return`, ...rules.flatMap((rule) => resets(rule, 'out'))],
    },
  ];
}

function resets(rule: HttpRule, way: 'in' | 'out'): string[] {
  const device = way === 'in' ? 'iifname' : 'oifname';
  const port = (rule.side === 'server') === (way === 'in') ? 'dport' : 'sport';
  const scope = `${device} != "lo" meta protocol @${liveName(rule)} tcp ${port} ${rule.port}`;
  return families.map((family) => {
    const strangers = notSpared(rule, family, way === 'in' ? 'saddr' : 'daddr');
    return `meta nfproto ipv${family} ${scope} ${strangers}tcp flags & (syn|rst) == 0 reject with tcp reset`;
  });
}

/** Counts what a rule cannot hit: queries that go to resolvers that are not the pod's. */
function strayChains(rules: readonly DnsRule[]): Chain[] {
  if (rules.length === 0) return [];
  const hook = 'type filter hook output priority raw ;';
  return [{ name: 'stray', hook, rules: [`${OURS('meta')} return`, ...rules.flatMap(strays)] }];
}

function strays(rule: DnsRule): string[] {
  return families.map((family) => {
    const known = rule.resolvers.filter((resolver) => familyOf(resolver) === family);
    const others = known.length === 0 ? '' : `${ipOf(family)} daddr != { ${known.join(', ')} } `;
    const scope = `meta nfproto ipv${family} meta protocol @${liveName(rule)} ${others}udp dport 53`;
    return `${scope} counter name ${strayName(rule)}`;
  });
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}
