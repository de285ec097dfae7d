/** What the probes that are sampled have measured, for people. Pure. */
import { formatLatency, quantile, type ExperimentStatus, type ProbeSamples, type SeriesPoint } from '@chaosplane/api';
import { countOf, formatDuration } from '@chaosplane/common';

/** A line for each probe; none where nothing is sampled. */
export function sampleLines({ samples = [] }: Pick<ExperimentStatus, 'samples'>): string[] {
  return samples.map((one) => `  ${one.name}  ${one.series.map(markOf).join('')}  ${wordsOf(one)}`);
}

/** How far the samples are that are taken before anything is injected, in tens; '' where there are none. */
export function baselineProgress({ phase, samples = [] }: Pick<ExperimentStatus, 'phase' | 'samples'>): string {
  const fewest = Math.min(...samples.map(({ before }) => before.passed));
  if (phase !== 'SteadyStateChecking' || samples.length === 0 || fewest < 10) return '';
  return `, ${Math.floor(fewest / 10) * 10} samples before the faults`;
}

/** One point of a series: all passed, some, none; or there is no sample of that time. */
function markOf({ passed, failed, errors }: SeriesPoint): string {
  if (passed + failed + errors === 0) return ' ';
  if (passed === 0) return failed > 0 ? '█' : '?';
  return failed + errors > 0 ? '▄' : '▁';
}

function wordsOf({ inForce, ...samples }: ProbeSamples): string {
  const { passed, failed, errors, latencies } = inForce;
  const p95 = quantile(latencies, 0.95);
  const { timeToDetectMs: detected, timeToRecoverMs: recovered, longestOutageMs: outage, failingSince } = samples;
  return [
    `${passed} of ${countOf(passed + failed, 'sample')} passed with the faults in force`,
    errors === 0 ? '' : `${errors} could not be taken`,
    p95 === undefined ? '' : `p95 ${formatLatency(p95)}`,
    detected === undefined ? '' : `first failure after ${formatDuration(detected)}`,
    outage === 0 ? '' : `longest outage ${formatDuration(Math.round(outage))}`,
    recovered === undefined ? '' : `recovered after ${formatDuration(recovered)}`,
    failingSince === undefined ? '' : 'still failing',
  ]
    .filter((part) => part !== '')
    .join(', ');
}
