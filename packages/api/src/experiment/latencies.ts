/** Latencies in buckets whose bounds grow by a factor, as those of DDSketch do: https://arxiv.org/abs/1908.10693. Pure. */
import { formatDuration } from '@chaosplane/common/pure';
import type { Latencies } from './samples.ts';

/** Each bucket ends at so many times the end of the one before: a quantile is off by 1 percent at most. */
const GROWTH = 1.02;

/** What is shorter counts as this long. */
const SHORTEST_MS = 0.01;

/** With one more. */
export function withLatency(latencies: Latencies, ms: number): Latencies {
  const bucket = Math.ceil(Math.log(Math.max(SHORTEST_MS, ms)) / Math.log(GROWTH));
  const index = latencies.findIndex(([other]) => other >= bucket);
  if (index === -1) return [...latencies, [bucket, 1]];
  const found = latencies[index];
  return found?.[0] === bucket
    ? latencies.with(index, [bucket, found[1] + 1])
    : latencies.toSpliced(index, 0, [bucket, 1]);
}

/** How many there are. */
export function countLatencies(latencies: Latencies): number {
  return latencies.reduce((sum, [, count]) => sum + count, 0);
}

/**
 * The latency that the given share of them does not exceed, in milliseconds; undefined when there are none.
 * @param share From 0 to 1.
 */
export function quantile(latencies: Latencies, share: number): number | undefined {
  const rank = Math.max(1, Math.ceil(share * countLatencies(latencies)));
  let passed = 0;
  for (const [bucket, count] of latencies) {
    passed += count;
    // The middle of the bucket, so that it is as far off whichever of its ends is meant.
    if (passed >= rank) return (2 * GROWTH ** bucket) / (GROWTH + 1);
  }
  return undefined;
}

/** For people: a latency that was measured, as exact as it is known. */
export function formatLatency(ms: number): string {
  return formatDuration(ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(2)));
}
