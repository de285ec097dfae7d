/** What the network faults share: the scope of their layer, and how counts become evidence. Pure. */
import { defined } from '@chaosplane/common';
import type { NetworkScope } from '@chaosplane/actions';
import type { LayerCounts, Shaped } from '../../netns/counters.ts';
import type { Direction, Scope } from '../../model/layer.ts';
import type { LayerContext, Measured } from '../fault.ts';
import { packets } from './network-verdict.ts';

/** The scope of a layer from the scope that the user gave. */
export function scopeOf(scope: NetworkScope, context: LayerContext): Scope {
  const { probes, portPeers, hosts } = context;
  const directions: Direction[] = scope.direction === 'both' ? ['egress', 'ingress'] : [scope.direction];
  return {
    directions,
    peers: [...scope.peers, ...context.peers],
    ...defined({ portPeers, hosts }),
    ports: scope.ports,
    ...defined({ protocol: scope.protocol }),
    interfaces: scope.interfaces,
    ...(scope.spareProbes && probes !== undefined ? { spared: probes } : {}),
  };
}

/** The counters that every network fault has. */
export function counted({ matched, matchedBytes }: LayerCounts): Record<string, number> {
  return { packets_matched: matched, bytes_matched: matchedBytes };
}

/** Verified when `effective` packets felt it; no traffic in scope came by when none matched. */
export function judge(matched: number, effective: number): Measured['verdict'] {
  if (matched === 0) return 'no-traffic';
  return effective > 0 ? 'verified' : 'not-observed';
}

/**
 * What did not leave a queue, for a summary: `, 12 packets wait, 3 packets lost because the queue was full, 2 packets
 * lost because the kernel refused to send them`.
 */
export function queued({ held, drops, refused = 0 }: Shaped): string {
  const waiting = held === 0 ? '' : `, ${held === 1 ? '1 packet waits' : `${packets(held)} wait`}`;
  const full = drops === 0 ? '' : `, ${packets(drops)} lost because the queue was full`;
  return `${waiting}${full}${refused === 0 ? '' : `, ${packets(refused)} lost because the kernel refused to send them`}`;
}
