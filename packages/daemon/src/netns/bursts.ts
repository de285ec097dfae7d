/** Which packets are hit when that depends on the packet before: a cycle of bursts with exact shares. Pure. */
import { hashOf, seededRandom } from '@chaosplane/common';

/** Packets after which the cycle begins again. */
export const CYCLE = 4096;

/** Positions in the cycle, both ends included. */
export interface Burst {
  readonly from: number;
  readonly to: number;
}

/*
 * nftables has chance (numgen random) but no memory: deleting from a set out of the packet path leaks the set's count of
 * elements (Linux 6.18 still does), and a timeout is as coarse as a timer tick. What it has is a counter, so the burst pattern is drawn
 * here and looked up there: numgen inc mod 4096 { … }. It needs no qdisc and no daemon, and layers with it can be combined. The
 * counter is the rule's own, and every change in a namespace writes its rules again: then the cycle begins from its start. The share
 * stays within what a few such beginnings allow (see boundsOfCycle in faults/shared/network-verdict.ts).
 */

/**
 * The runs of packets that are hit. Exactly `percent` of a cycle is, in as many runs as the chain has whose
 * P(hit | hit before) is p + c(1 − p): independent packets for c = 0, one long run for c = 1. The same seed gives the same cycle.
 */
export function burstsOf(percent: number, correlationPercent: number, seed: string): readonly Burst[] {
  const share = percent / 100;
  const hits = Math.min(CYCLE, Math.max(1, Math.round(CYCLE * share)));
  const spared = CYCLE - hits;
  if (spared === 0) return [{ from: 0, to: CYCLE - 1 }];
  const expected = Math.round(hits * (1 - share) * (1 - correlationPercent / 100));
  const count = Math.min(Math.max(1, expected), hits, spared);
  // A recompiled layer keeps its cycle.
  const random = seededRandom(hashOf(seed));
  const [lengths, gaps] = [parts(hits, count, random), parts(spared, count, random)];
  let at = 0;
  return lengths.map((length, index) => {
    const from = at + (gaps[index] ?? 0);
    at = from + length;
    return { from, to: at - 1 };
  });
}

/** Divides `total` into `count` parts of at least one, every division being equally likely: their lengths are geometric. */
function parts(total: number, count: number, random: () => number): number[] {
  const cuts = new Set<number>();
  while (cuts.size < count - 1) cuts.add(1 + Math.floor(random() * (total - 1)));
  const edges = [0, ...[...cuts].sort((a, b) => a - b), total];
  return edges.slice(1).map((edge, index) => edge - (edges[index] ?? 0));
}
