/** The samples of a probe as Kubernetes keeps them in the status: their schema, and the way there and back. Pure. */
import { defined } from '@chaosplane/common/pure';
import * as z from 'zod';
import { formatLatency, quantile } from './latencies.ts';
import { passRate, type Latencies, type ProbeSamples, type Taken } from './samples.ts';

const time = z.string().max(64);

const taken = z.object({
  passed: z.int().describe('Samples that passed.'),
  failed: z.int().describe('Samples that failed.'),
  errors: z.int().describe('Samples that could not be taken; they are no part of any share.'),
  latencies: z
    .string()
    .max(16_384)
    .describe('How long those took that passed: counts by bucket, from which a new leader goes on.'),
});

/** The samples of one probe. Times are RFC 3339. */
export const probeSamplesSchema = z.object({
  name: z.string().describe('The name of the probe, or its type and its place in the list.'),
  successRate: z.string().optional().describe('The share that passed while the faults were in force.'),
  p50: z
    .string()
    .optional()
    .describe('At most so long took half of the samples that passed while the faults were in force.'),
  p95: z.string().optional().describe('At most so long took 95 percent of them.'),
  before: taken.describe('Before the first injection.'),
  inForce: taken.describe('While all faults were in force.'),
  last: z
    .object({
      outcome: z.enum(['pass', 'fail', 'error']).describe('What came of it.'),
      begunAt: time.describe('When it began.'),
    })
    .optional()
    .describe('The last sample.'),
  failure: z.string().max(1024).optional().describe('Why the last one failed of those that did.'),
  timeToDetectMs: z
    .int()
    .optional()
    .describe('From the beginning of the injection to the first sample that failed, in milliseconds.'),
  timeToRecoverMs: z
    .int()
    .optional()
    .describe('From the beginning of the recovery until samples passed for good, in milliseconds.'),
  failingSince: time.optional().describe('Since when no sample has passed.'),
  longestOutageMs: z.int().describe('The longest time in which no sample passed, in milliseconds.'),
  seriesFrom: time.optional().describe('When the first point of the series begins.'),
  stepMs: z.int().describe('How long each point of the series is, in milliseconds.'),
  series: z
    .array(
      z.object({
        passed: z.int().describe('Samples that passed.'),
        failed: z.int().describe('Samples that failed.'),
        errors: z.int().describe('Samples that could not be taken.'),
        slowestMs: z.int().describe('How long the slowest took that passed, in milliseconds.'),
      }),
    )
    .max(60)
    .describe('Samples by the time in which they began.'),
});

/** The samples of one probe, as they are written. */
export type ProbeSamplesDocument = z.output<typeof probeSamplesSchema>;

const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());
const parsed = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

/** To be written. */
export function samplesDocument(samples: ProbeSamples): ProbeSamplesDocument {
  const { name, before, inForce, last, failure, timeToDetectMs, timeToRecoverMs } = samples;
  const { longestOutageMs, stepMs, series, failingSince, seriesFrom } = samples;
  return {
    name,
    ...words(inForce),
    before: takenDocument(before),
    inForce: takenDocument(inForce),
    ...(last === undefined ? {} : { last: { outcome: last.outcome, begunAt: new Date(last.begunAt).toISOString() } }),
    ...defined({ failure: failure?.slice(0, 1024), timeToDetectMs, timeToRecoverMs }),
    ...defined({ failingSince: iso(failingSince), seriesFrom: iso(seriesFrom) }),
    longestOutageMs: Math.round(longestOutageMs),
    stepMs,
    series: series.map((point) => ({ ...point })),
  };
}

/** As it was written. */
export function samplesFrom(document: ProbeSamplesDocument): ProbeSamples {
  const { name, before, inForce, last, failure, timeToDetectMs, timeToRecoverMs, longestOutageMs, stepMs, series } =
    document;
  return {
    ...{ name, longestOutageMs, stepMs, series },
    before: takenFrom(before),
    inForce: takenFrom(inForce),
    ...(last === undefined ? {} : { last: { outcome: last.outcome, begunAt: Date.parse(last.begunAt) } }),
    ...defined({ failure, timeToDetectMs, timeToRecoverMs }),
    ...defined({ failingSince: parsed(document.failingSince), seriesFrom: parsed(document.seriesFrom) }),
  };
}

/** What people look for first. */
function words({ passed, failed, latencies }: Taken): Pick<ProbeSamplesDocument, 'successRate' | 'p50' | 'p95'> {
  const [p50, p95] = [0.5, 0.95].map((share) => quantile(latencies, share));
  return defined({
    successRate: passed + failed === 0 ? undefined : `${passRate({ passed, failed })}%`,
    p50: p50 === undefined ? undefined : formatLatency(p50),
    p95: p95 === undefined ? undefined : formatLatency(p95),
  });
}

function takenDocument({ latencies, ...counts }: Taken): z.output<typeof taken> {
  return { ...counts, latencies: latencies.map((pair) => pair.join(':')).join(' ') };
}

function takenFrom({ latencies, ...counts }: z.output<typeof taken>): Taken {
  return { ...counts, latencies: latenciesFrom(latencies) };
}

/** What is no pair of numbers was not written by the operator, and counts as nothing. */
function latenciesFrom(text: string): Latencies {
  return text.split(' ').flatMap((pair): [number, number][] => {
    const [, bucket, count] = /^(-?\d{1,6}):(\d{1,9})$/.exec(pair) ?? [];
    return bucket === undefined ? [] : [[Number(bucket), Number(count)]];
  });
}
