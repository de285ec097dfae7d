/** What the network faults share: the scope of their layer, and how counts become evidence. Pure. */
import type { NetworkScope } from '@chaosplane/actions';
import { countOf } from '@chaosplane/common';
import type { LayerCounts } from '../netns/counts.ts';
import type { Direction, Scope } from '../netns/layer.ts';
import type { LayerContext, Measured } from './fault.ts';

/** The scope of a layer from the scope that the user gave. */
export function scopeOf(scope: NetworkScope, context: LayerContext): Scope {
  const { probes, portPeers, hosts } = context;
  const directions: Direction[] = scope.direction === 'both' ? ['egress', 'ingress'] : [scope.direction];
  return {
    directions,
    peers: [...scope.peers, ...context.peers],
    ...(portPeers === undefined ? {} : { portPeers }),
    ...(hosts === undefined ? {} : { hosts }),
    ports: scope.ports,
    ...(scope.protocol === undefined ? {} : { protocol: scope.protocol }),
    interface: scope.interface,
    ...(scope.spareProbes && probes !== undefined ? { spared: probes } : {}),
  };
}

/** `1204` → `1,204 packets`. */
export const packets = (count: number): string => countOf(count, 'packet');

/** ` (12.5 %)`; nothing while nothing came by. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '' : ` (${((100 * part) / whole).toFixed(1)} %)`;
}

/** The counters that every network fault has. */
export function counted({ matched, matchedBytes }: LayerCounts): Record<string, number> {
  return { packets_matched: matched, bytes_matched: matchedBytes };
}

/** Verified when `effective` packets felt it; nobody in scope came by when none matched. */
export function judge(matched: number, effective: number): Measured['verdict'] {
  if (matched === 0) return 'no-traffic';
  return effective > 0 ? 'verified' : 'not-observed';
}
