/** Finding the redirects of others, a mesh sidecar's above all, in what nft lists: ours must not fight with them. Pure. */
import { PROXY_TABLE } from './names.ts';

/** A rule of somebody else's that sends connections elsewhere. */
export interface ForeignRedirect {
  /** `ip nat`. */
  readonly table: string;
  readonly rule: string;
}

/** Rules that send packets elsewhere, in nft's own words and in those for rules that iptables made. */
const REDIRECTS = /\b(?:redirect|dnat|tproxy)\b|xt target "(?:REDIRECT|DNAT|TPROXY)"/;

/** The redirects in a ruleset that may take connections to `port`: those that do not say that they are about other ports. */
export function foreignRedirects(ruleset: string, protocol: 'tcp' | 'udp', port: number): ForeignRedirect[] {
  const found: ForeignRedirect[] = [];
  let table = '';
  for (const line of ruleset.split('\n')) {
    const begins = /^table (\S+ \S+) \{/.exec(line)?.[1];
    if (begins !== undefined) table = begins;
    const rule = line.trim();
    if (table === `inet ${PROXY_TABLE}` || /^(?:table|chain|set|map|type|elements)\b/.test(rule)) continue;
    if (REDIRECTS.test(rule) && mayMeet(rule, protocol, port)) found.push({ table, rule });
  }
  return found;
}

function mayMeet(rule: string, protocol: 'tcp' | 'udp', port: number): boolean {
  const others = protocol === 'tcp' ? 'udp' : 'tcp';
  if (new RegExp(`^${others} |\\b(?:l4proto|protocol) ${others}\\b| ${others} dport`).test(rule)) return false;
  const [, not, ports] = /\bdport (!= )?(\{[^}]*\}|[0-9-]+)/.exec(rule) ?? [];
  if (ports === undefined) return true;
  const listed = [...ports.matchAll(/(\d+)(?:-(\d+))?/g)].some(([, from = '', to = from]) => {
    return Number(from) <= port && port <= Number(to);
  });
  return listed === (not === undefined);
}
