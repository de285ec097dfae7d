/** The connections of a namespace that a rule finds open and does not reach, asked of the kernel. */
import { leftAlone } from '../../proxy/left-alone.ts';
import { PROXY_MASK } from '../../proxy/names.ts';
import type { OpenConnections, ProxyRule } from '../../model/proxy-rule.ts';
import { SystemError } from '../kernel/libc.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { establishedConnections, type Connection } from '../kernel/sock-diag.ts';

/** See `Netns.openConnections`. */
export function openConnections(netns: Pick<NetnsHandle, 'within'>, rule: ProxyRule): OpenConnections {
  const known = knownConnections(netns);
  return leftAlone(
    rule,
    known.map(({ mark, ...ends }) => ({ ...ends, ours: (mark & PROXY_MASK) !== 0 })),
  );
}

function knownConnections(netns: Pick<NetnsHandle, 'within'>): Connection[] {
  try {
    return establishedConnections(netns);
  } catch (error) {
    if (error instanceof SystemError) return [];
    throw error;
  }
}
