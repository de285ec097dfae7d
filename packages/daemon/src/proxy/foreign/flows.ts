/** The packets that a fault takes, and those that its proxy sends in their place: none of them may be redirected by others. Pure. */
import { isIP } from 'node:net';
import type { ProxyRule } from '../../model/proxy-rule.ts';
import { isLoopback, type Flow } from './flow.ts';

/** What has to be known of the interfaces of a pod. */
export interface PodInterface {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** The daemon's own. */
const ROOT = 0;

/** The flows of a rule in a pod with those interfaces. */
export function flowsOf(rule: ProxyRule, interfaces: readonly PodInterface[]): Flow[] {
  const outer = interfaces.filter(({ name }) => name !== 'lo');
  const devices = outer.map(({ name }) => name);
  if (rule.kind === 'dns') {
    // Over TCP too, queries are taken before others' rules look at them, and what the proxy sends goes the way that they had.
    return rule.resolvers.map((resolver) => ({
      hook: 'output',
      protocol: 'udp',
      port: 53,
      family: resolver.includes(':') ? 6 : 4,
      to: [resolver],
      devices: isLoopback(resolver) ? ['lo'] : devices,
    }));
  }
  const own = outer.flatMap(({ addresses }) => addresses);
  return ([4, 6] as const).flatMap((family): Flow[] => {
    const to = own.filter((address) => isIP(address) === family);
    if (to.length === 0) return [];
    const flow = { protocol: 'tcp', port: rule.port, family } as const;
    if (rule.side === 'client') return [{ ...flow, hook: 'output', to: [], devices }];
    return [
      { ...flow, hook: 'prerouting', to, devices },
      { ...flow, hook: 'output', to, devices: ['lo'], user: ROOT },
    ];
  });
}
