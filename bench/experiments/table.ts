/** The figures of the runs, as lines. Pure. */
import { quantile } from '../timing.ts';
import type { Measure, Sample } from './run.ts';

const MEASURES: readonly (readonly [Measure, string])[] = [
  ['roundTrip', 'an equal object: created and told'],
  ['created', 'the experiment: created and told'],
  ['inject', 'created → first packet lost'],
  ['abort', 'aborted → first packet passes'],
];

const WIDTH = 38;
const row = (name: string, cells: readonly string[]): string =>
  `${name.padEnd(WIDTH)}${cells.map((cell) => cell.padStart(10)).join('')}`;
const ms = (value: number): string => value.toFixed(1);

/** Median, 95th and 99th percentile, and how often that is the median of the API server's own round trip. */
export function figures(samples: readonly Sample[]): string[] {
  const unit = quantile(
    samples.map(({ roundTrip }) => roundTrip),
    0.5,
  );
  const lines = MEASURES.map(([measure, name]) => {
    const values = samples.map((sample) => sample[measure]);
    const [median, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(values, share)) as [number, number, number];
    return row(name, [ms(median), ms(p95), ms(p99), `${ms(median / unit)} ×`, `${ms(p99 / unit)} ×`]);
  });
  return [row('milliseconds', ['median', 'p95', 'p99', 'median', 'p99']), ...lines];
}

/** When each step was told, by its median: milliseconds after the request, and after the step before. */
export function steps(samples: readonly Sample[]): string[] {
  const names = [...(samples[0]?.legs.keys() ?? [])];
  const medians = names.map(
    (name) =>
      [
        name,
        quantile(
          samples.map(({ legs }) => legs.get(name) ?? NaN),
          0.5,
        ),
      ] as const,
  );
  const end = medians.findIndex(([name]) => name.includes('abort'));
  return [medians.slice(0, end), medians.slice(end)].flatMap((part, index) => {
    const sorted = part.toSorted((a, b) => a[1] - b[1]);
    const title = index === 0 ? 'after the request that creates it' : 'after the request that aborts it';
    const lines = sorted.map(([name, at], place) =>
      row(`  ${name}`, [ms(at), `+${ms(at - (sorted[place - 1]?.[1] ?? 0))}`]),
    );
    return ['', row(title, ['median', 'step']), ...lines];
  });
}

/** Two builds run by run: how the medians compare, and in how many pairs the first was faster. */
export function compared(
  [first, other]: readonly [string, string],
  pairs: readonly (readonly [Sample, Sample])[],
): string[] {
  const lines = MEASURES.map(([measure, name]) => {
    const values = pairs.map(([one, two]) => [one[measure], two[measure]] as const);
    const [mine, theirs] = [0, 1].map((at) =>
      quantile(
        values.map((pair) => pair[at] ?? NaN),
        0.5,
      ),
    ) as [number, number];
    const difference = quantile(
      values.map(([one, two]) => one - two),
      0.5,
    );
    const faster = values.filter(([one, two]) => one < two).length / values.length;
    return row(name, [ms(mine), ms(theirs), ms(difference), `${(faster * 100).toFixed(0)} %`]);
  });
  return [row('milliseconds, medians', [first, other, 'of pairs', 'faster in']), ...lines];
}
