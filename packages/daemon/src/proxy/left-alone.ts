/** Which connections were open before a rule, and go on beside its proxy: only new ones are redirected. Pure. */
import { countOf } from '@chaosplane/common';
import type { OpenConnections, ProxyRule } from '../model/proxy-rule.ts';

/** One end of a TCP connection. */
interface End {
  readonly address: string;
  readonly port: number;
}

/** A socket of an established connection. */
export interface Established {
  readonly local: End;
  readonly remote: End;
  /** Whether it is a proxy's, on its way to the other end. */
  readonly ours: boolean;
}

/** How many far ends are named. */
const NAMED = 3;
const DNS_PORT = 53;

/** Those among the established connections of a namespace that the rule is about and does not reach. */
export function leftAlone(rule: ProxyRule, established: readonly Established[]): OpenConnections {
  if (rule.kind === 'http' && rule.existing === 'reset') return { count: 0, ends: [] };
  const near = rule.kind === 'http' && rule.side === 'server';
  const port = rule.kind === 'http' ? rule.port : DNS_PORT;
  // What passes through a proxy already has its other end in the namespace as well. So has what stays inside the pod.
  const insiders = new Set(established.map(near ? pair : ({ remote }) => shown(remote)));
  const found = established
    .filter((each) => !each.ours && (near ? each.local : each.remote).port === port)
    .filter(({ remote }) => rule.kind === 'http' || rule.resolvers.includes(remote.address))
    .filter(({ local, remote }) => !insiders.has(near ? pair({ local: remote, remote: local }) : shown(local)));
  return { count: found.length, ends: found.slice(0, NAMED).map(({ remote }) => shown(remote)) };
}

/** Words for the evidence, behind what was counted; empty when there are none. */
export function aboutOpen(count: number): string {
  return count === 0 ? '' : `; ${countOf(count, 'connection')} open before ${count === 1 ? 'is' : 'are'} left alone`;
}

/** A note that names them. */
export function notesOnOpen(rule: ProxyRule, { count, ends }: OpenConnections): string[] {
  if (count === 0) return [];
  const more = count > ends.length ? ` and ${count - ends.length} more` : '';
  const wayOut = rule.kind === 'http' ? '; existingConnections: reset ends them' : '';
  const verb = count === 1 ? 'was' : 'were';
  return [`${countOf(count, 'connection')} ${verb} open before and left alone: ${ends.join(', ')}${more}${wayOut}`];
}

function pair({ local, remote }: Pick<Established, 'local' | 'remote'>): string {
  return `${shown(local)} ${shown(remote)}`;
}

function shown({ address, port }: End): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
