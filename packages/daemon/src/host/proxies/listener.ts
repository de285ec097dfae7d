/** The proxies that listen in one namespace, each found by what it is for. */
import { ChaosError, type Clock } from '@chaosplane/common';
import type { ActiveDnsRule } from '../../proxy/dns/decide.ts';
import type { ActiveHttpRule } from '../../proxy/http/decide.ts';
import type { ProxyRule, Side } from '../../model/proxy-rule.ts';
import { SystemError } from '../kernel/libc.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { openDnsProxy, type DnsProxy } from './dns-proxy.ts';
import { openHttpProxy, type HttpProxy } from './http-proxy.ts';

/** A rule that is in force, for HTTP or DNS. */
export type ActiveRule = ActiveHttpRule | ActiveDnsRule;

export function isDns(active: ActiveRule): active is ActiveDnsRule {
  return active.rule.kind === 'dns';
}

/** One proxy, and what it is for. */
export type Listener =
  | { readonly kind: 'http'; readonly side: Side; readonly proxy: HttpProxy }
  | { readonly kind: 'dns'; readonly resolver: string; readonly proxy: DnsProxy };

/** What a proxy is known by: the side and family of its connections, or its resolver. */
export function listenersOf(rule: ProxyRule): readonly string[] {
  return rule.kind === 'dns' ? rule.resolvers : [listenerKey(rule.side, 4), listenerKey(rule.side, 6)];
}

export function listenerKey(side: Side, family: 4 | 6): string {
  return `${side} ${family}`;
}

/**
 * Opens one for `key`; undefined where the namespace has no IPv6.
 * @throws ChaosError FAILED_PRECONDITION when the namespace has no room for it.
 */
export async function openListener(
  netns: NetnsHandle,
  clock: Clock,
  rule: ProxyRule,
  key: string,
): Promise<Listener | undefined> {
  const six = rule.kind === 'dns' ? key.includes(':') : key.endsWith('6');
  try {
    if (rule.kind === 'dns') {
      return { kind: 'dns', resolver: key, proxy: await openDnsProxy({ netns, resolver: key, clock }) };
    }
    const family = six ? 6 : 4;
    return { kind: 'http', side: rule.side, proxy: await openHttpProxy({ netns, side: rule.side, family, clock }) };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (six && ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'ENODEV'].includes(error.code)) return undefined;
    const message = `no proxy can listen in ${netns.path} (${error.message}): is its loopback device up?`;
    throw new ChaosError('FAILED_PRECONDITION', message, { cause: error });
  }
}

/** Gives it those of `active` that are its own. */
export function assignRules(listener: Listener, active: readonly ActiveRule[]): void {
  if (listener.kind === 'dns') {
    listener.proxy.rules = active.filter(isDns).filter(({ rule }) => rule.resolvers.includes(listener.resolver));
  } else {
    const http = active.flatMap((one) => (isDns(one) ? [] : [one]));
    listener.proxy.rules = http.filter(({ rule }) => rule.side === listener.side);
  }
}
