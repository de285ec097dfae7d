/** Whether latencies have grown: a rank test, which asks nothing of how they are distributed. Pure. */
import { countLatencies, quantile, type Latencies } from '@chaosplane/api';

/** So much longer is no harm, however surely it was measured: the machine itself drifts as much. */
const HARMLESS = 1.05;

/**
 * How many standard deviations above the mean the ranks must be: one false alarm in 40 where nothing has changed, by the normal
 * approximation, which is good from 20 samples of each on.
 */
const CRITICAL = 1.96;

/**
 * Whether `during` are longer than `before`: the Mann–Whitney U test, one-sided, corrected for ties
 * (https://doi.org/10.1214/aoms/1177730491), and the median or the 95th percentile is longer by more than five percent.
 */
export function isSlower(before: Latencies, during: Latencies): boolean {
  const longer = [0.5, 0.95].some(
    (share) => (quantile(during, share) ?? 0) > HARMLESS * (quantile(before, share) ?? Infinity),
  );
  return longer && standardized(before, during) > CRITICAL;
}

/** How far U is above what it would be where nothing has changed, in standard deviations. */
function standardized(before: Latencies, during: Latencies): number {
  const [n, m] = [countLatencies(before), countLatencies(during)];
  const counts = new Map<number, { before: number; during: number }>();
  for (const [bucket, count] of before) counts.set(bucket, { before: count, during: 0 });
  for (const [bucket, count] of during) counts.set(bucket, { before: counts.get(bucket)?.before ?? 0, during: count });
  // Pairs in which the one of `during` is longer; a tie is half a pair.
  let [pairs, shorter, ties] = [0, 0, 0];
  for (const [, both] of [...counts].toSorted(([a], [b]) => a - b)) {
    pairs += both.during * (shorter + both.before / 2);
    shorter += both.before;
    const tied = both.before + both.during;
    ties += tied ** 3 - tied;
  }
  const all = n + m;
  const variance = ((n * m) / 12) * (all + 1 - ties / (all * (all - 1)));
  return variance > 0 ? (pairs - (n * m) / 2) / Math.sqrt(variance) : 0;
}
