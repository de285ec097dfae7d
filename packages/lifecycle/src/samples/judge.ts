/** Whether the samples of a probe are as its tolerance wants them. Pure. */
import {
  formatLatency,
  passRate,
  quantile,
  BASELINE_SAMPLES,
  type ProbeSamples,
  type SampledProbe,
  type Tolerance,
} from '@chaosplane/api';
import { countOf, formatDuration } from '@chaosplane/common/pure';
import { noSamples } from './fold.ts';
import { isSlower } from './rank-test.ts';

/** What samples say of their tolerance: they keep it, exceed it, or are too few to say. */
export interface SamplesJudgement {
  readonly outcome: 'kept' | 'exceeded' | 'unknown';
  /** What was measured, and what was allowed. */
  readonly message: string;
}

/** Where nothing else is said. */
const everySample: Tolerance = { successRate: 100 };

/** Judges one probe, once the recovery is over. What is exceeded is said also where something else is not known. */
export function judgeSamples(
  { tolerance = everySample }: Pick<SampledProbe, 'tolerance'>,
  samples = noSamples('the probe'),
): SamplesJudgement {
  const { name, inForce, failure } = samples;
  const tried = inForce.passed + inForce.failed + inForce.errors;
  if (inForce.errors * 2 > tried || tried === inForce.errors) {
    const why = failure === undefined ? '' : `: ${failure}`;
    const message = `${name}: of ${countOf(tried, 'sample')} ${tried - inForce.errors} could be taken${why}`;
    return { outcome: 'unknown', message };
  }
  const findings = [
    ...successRate(tolerance, samples),
    ...latency(tolerance, samples),
    ...outage(tolerance, samples),
    ...baseline(tolerance, samples),
  ];
  const exceeded = findings.filter(({ outcome }) => outcome === 'exceeded');
  const unknown = findings.filter(({ outcome }) => outcome === 'unknown');
  const told = [exceeded, unknown, findings].find((some) => some.length > 0) ?? [];
  const outcome = told[0]?.outcome ?? 'kept';
  const cause = outcome === 'exceeded' && failure !== undefined && inForce.failed > 0 ? ` (${failure})` : '';
  return { outcome, message: `${name}: ${told.map(({ message }) => message).join(', ')}${cause}` };
}

const finding = (isKept: boolean, message: string): SamplesJudgement => ({
  outcome: isKept ? 'kept' : 'exceeded',
  message,
});

function successRate({ successRate: least }: Tolerance, { inForce }: ProbeSamples): SamplesJudgement[] {
  if (least === undefined) return [];
  const { passed, failed } = inForce;
  const valid = passed + failed;
  // Without a division, so that 99 of 100 is 99 percent.
  const kept = passed * 100 >= least * valid;
  const message = `${passed} of ${countOf(valid, 'sample')} passed (${passRate(inForce)}%)`;
  return [finding(kept, kept ? message : `${message}, and ${least}% were to`)];
}

function latency({ latency: most }: Tolerance, { inForce }: ProbeSamples): SamplesJudgement[] {
  return ([50, 95] as const).flatMap((percent) => {
    const allowed = most?.[`p${percent}`];
    if (allowed === undefined) return [];
    const measured = quantile(inForce.latencies, percent / 100);
    if (measured === undefined)
      return [{ outcome: 'unknown', message: `no sample passed, so there is no p${percent}` }];
    const kept = measured <= allowed;
    const message = `p${percent} ${formatLatency(measured)}`;
    return [finding(kept, kept ? message : `${message}, and ${formatDuration(allowed)} were allowed`)];
  });
}

function outage(tolerance: Tolerance, samples: ProbeSamples): SamplesJudgement[] {
  const { longestOutage, timeToRecover } = tolerance;
  const findings: SamplesJudgement[] = [];
  if (longestOutage !== undefined) {
    const message = `longest outage ${formatLatency(samples.longestOutageMs)}`;
    const kept = samples.longestOutageMs <= longestOutage;
    findings.push(finding(kept, kept ? message : `${message}, and ${formatDuration(longestOutage)} were allowed`));
  }
  if (timeToRecover !== undefined) {
    // None failed, so there was nothing to recover from.
    const measured = samples.timeToDetectMs === undefined ? 0 : (samples.timeToRecoverMs ?? Infinity);
    const message = Number.isFinite(measured) ? `recovered after ${formatLatency(measured)}` : 'it did not recover';
    const kept = measured <= timeToRecover;
    findings.push(finding(kept, kept ? message : `${message}, and ${formatDuration(timeToRecover)} were allowed`));
  }
  return findings;
}

function baseline({ against }: Tolerance, { before, inForce }: ProbeSamples): SamplesJudgement[] {
  if (against === undefined) return [];
  const fewest = Math.min(before.passed, inForce.passed);
  if (fewest < BASELINE_SAMPLES) {
    const message = `${countOf(fewest, 'sample')} passed, and ${BASELINE_SAMPLES} are needed to compare with the baseline`;
    return [{ outcome: 'unknown', message }];
  }
  const [was, is] = [before, inForce].map(({ latencies }) => formatLatency(quantile(latencies, 0.95) ?? 0));
  const slower = isSlower(before.latencies, inForce.latencies);
  return [
    finding(
      !slower,
      `${slower ? 'slower than' : 'no slower than'} the baseline: p95 ${is ?? ''}, and ${was ?? ''} before`,
    ),
  ];
}
