/** What samples say together: one after the other is added to what is known. Pure. */
import { withLatency, type ExperimentStatus, type ProbeSamples, type SeriesPoint, type Taken } from '@chaosplane/api';
import type { ProbeOutcome } from '../experiment/observation.ts';

/** One sample of a probe. */
export interface Sample extends ProbeOutcome {
  /** When it began, in milliseconds since the epoch. */
  readonly begunAt: number;
}

/** When the parts of an experiment began. */
export type Times = Pick<ExperimentStatus, 'startedAt' | 'effectiveAt' | 'recoveringAt'>;

const none: Taken = { passed: 0, failed: 0, errors: 0, latencies: [] };

/** Nothing is known of the probe of that name yet. */
export function noSamples(name: string): ProbeSamples {
  return { name, before: none, inForce: none, longestOutageMs: 0, stepMs: FIRST_STEP_MS, series: [] };
}

/** With one more; samples come in the order in which they began. */
export function withSample(known: ProbeSamples, sample: Sample, times: Times): ProbeSamples {
  const { outcome, begunAt, message } = sample;
  const { failure, ...rest } = known;
  const said = outcome === 'pass' ? failure : message;
  return {
    ...withPoint(withOutage({ ...rest, last: { outcome, begunAt } }, sample, times), sample),
    ...parts(known, sample, times),
    ...(said === undefined ? {} : { failure: said }),
  };
}

/** Those that begin while some targets are injected and others are not belong to neither part. */
function parts(known: ProbeSamples, sample: Sample, times: Times): Partial<ProbeSamples> {
  const { startedAt = Infinity, effectiveAt = Infinity, recoveringAt = Infinity } = times;
  if (sample.begunAt < startedAt) return { before: taken(known.before, sample) };
  const inForce = sample.begunAt >= effectiveAt && sample.begunAt < recoveringAt;
  return inForce ? { inForce: taken(known.inForce, sample) } : {};
}

function taken(before: Taken, { outcome, tookMs }: Sample): Taken {
  switch (outcome) {
    case 'pass':
      return { ...before, passed: before.passed + 1, latencies: withLatency(before.latencies, tookMs) };
    case 'fail':
      return { ...before, failed: before.failed + 1 };
    case 'error':
      return { ...before, errors: before.errors + 1 };
  }
}

/** What could not be taken neither begins an outage nor ends one. */
function withOutage(known: ProbeSamples, { outcome, begunAt, tookMs }: Sample, times: Times): ProbeSamples {
  const { startedAt = Infinity, recoveringAt } = times;
  if (outcome === 'error' || begunAt < startedAt) return known;
  const endedAt = begunAt + tookMs;
  const { failingSince, timeToRecoverMs: _before, ...others } = known;
  const since = failingSince ?? begunAt;
  if (outcome === 'fail') {
    const longestOutageMs = Math.max(known.longestOutageMs, endedAt - since);
    const timeToDetectMs = known.timeToDetectMs ?? Math.round(endedAt - startedAt);
    return { ...others, failingSince: since, longestOutageMs, timeToDetectMs };
  }
  if (failingSince === undefined) return known;
  const longestOutageMs = Math.round(Math.max(known.longestOutageMs, endedAt - failingSince));
  const recovered = Math.max(0, Math.round(endedAt - (recoveringAt ?? Infinity)));
  return { ...others, longestOutageMs, timeToRecoverMs: recovered };
}

const FIRST_STEP_MS = 1000;
const MOST_POINTS = 60;

/** A series keeps its number of points: where it has too many, each becomes twice as long. */
function withPoint(known: ProbeSamples, sample: Sample): ProbeSamples {
  const seriesFrom = known.seriesFrom ?? sample.begunAt;
  let { stepMs, series } = known;
  const index = (): number => Math.max(0, Math.floor((sample.begunAt - seriesFrom) / stepMs));
  while (index() >= MOST_POINTS) {
    stepMs *= 2;
    series = halved(series);
  }
  const at = index();
  const filled = series.concat(Array.from({ length: Math.max(0, at + 1 - series.length) }, () => nothing));
  const point = filled[at] ?? nothing;
  return { ...known, seriesFrom, stepMs, series: filled.with(at, joined(point, pointOf(sample))) };
}

const nothing: SeriesPoint = { passed: 0, failed: 0, errors: 0, slowestMs: 0 };

function pointOf({ outcome, tookMs }: Sample): SeriesPoint {
  switch (outcome) {
    case 'pass':
      return { ...nothing, passed: 1, slowestMs: Math.round(tookMs) };
    case 'fail':
      return { ...nothing, failed: 1 };
    case 'error':
      return { ...nothing, errors: 1 };
  }
}

function joined(one: SeriesPoint, other: SeriesPoint): SeriesPoint {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    errors: one.errors + other.errors,
    slowestMs: Math.max(one.slowestMs, other.slowestMs),
  };
}

function halved(series: readonly SeriesPoint[]): SeriesPoint[] {
  return Array.from({ length: Math.ceil(series.length / 2) }, (_, index) =>
    joined(series[2 * index] ?? nothing, series[2 * index + 1] ?? nothing),
  );
}
