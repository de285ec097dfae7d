/** How many connections go through the proxies of a daemon at a time. What is more passes without the fault. Pure. */
import { countOf } from '@chaosplane/common';

/**
 * Connections, with queries under way counted as such. One costs the daemon some 70 KiB while requests are under way, and all
 * share its one thread. From `shared` on, all of a daemon's namespaces give way that have more than an equal share of it; from
 * `daemon` on, every one.
 */
export const MOST_OPEN = { namespace: 1000, shared: 1500, daemon: 2000 } as const;

/** Redirecting begins again when there are so much fewer, so that it does not change with each connection. */
const AGAIN_BELOW = 0.75;

/** What proxies carry now. */
export interface Load {
  /** Connections of this namespace. */
  readonly own: number;
  /** Namespaces that have proxies, with this one. */
  readonly namespaces: number;
  /** Connections of all namespaces. */
  readonly all: () => number;
}

/** Whether new connections of a namespace pass by its proxies. `before`: they do already. */
export function isFull(before: boolean, { own, namespaces, all }: Load): boolean {
  const factor = before ? AGAIN_BELOW : 1;
  if (own >= factor * MOST_OPEN.namespace) return true;
  const total = all();
  if (total >= factor * MOST_OPEN.daemon) return true;
  return total >= factor * MOST_OPEN.shared && own >= (factor * MOST_OPEN.shared) / namespaces;
}

/** Words for the evidence, behind what was counted; empty when all new connections were redirected. */
export function aboutBeyond(count: number): string {
  return count === 0 ? '' : `; ${countOf(count, 'new connection')} passed without the fault: too many were open`;
}
