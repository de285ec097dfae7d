/** Probes that are asked again and again while an experiment runs: those of `steadyState.during`, and abort conditions. */
import { formatDuration } from '@chaosplane/common/pure';
import * as z from 'zod';
import { closed, positiveDuration, waitDuration } from '../shared/schema.ts';
import { share } from '../shared/share.ts';
import { httpProbe } from './http.ts';
import { kubernetesProbe } from './kubernetes.ts';
import { prometheusProbe } from './prometheus.ts';

/** What a comparison with the samples of before needs of each side: see docs/experiments.md for what it finds with so many. */
export const BASELINE_SAMPLES = 100;

const HOUR_MS = 3600_000;

/** A sample is one attempt, at a fixed rate: what does not pass is counted, and is not asked for a second time. */
const rate = {
  interval: waitDuration
    .refine((ms) => ms >= 100 && ms <= HOUR_MS, {
      message: 'it is out of range',
      params: { allowed: 'a duration from 100ms to 1h: a sample begins so often' },
    })
    .default(1_000)
    .describe('How long to wait before the next attempt; of samples, how often one begins.'),
  retries: z
    .int()
    .min(0)
    .max(0)
    .default(0)
    .describe('How many attempts more there are after one that did not pass; of samples none.'),
};

const tolerance = closed({
  successRate: share.optional().describe("The share of the samples that passes at least: '99%'."),
  latency: closed({
    p50: positiveDuration.optional().describe('At most so long took half of the samples that passed.'),
    p95: positiveDuration.optional().describe('At most so long took 95 percent of the samples that passed.'),
  })
    .optional()
    .describe('How long samples may take that pass.'),
  longestOutage: waitDuration
    .optional()
    .describe('The longest time in which no sample may pass, while the faults are in force and afterwards.'),
  timeToRecover: waitDuration
    .optional()
    .describe('How long it may take from the beginning of the recovery until samples pass for good.'),
  against: z
    .literal('baseline')
    .optional()
    .describe(
      `baseline: samples may not take longer than before the faults, by a rank test on ${BASELINE_SAMPLES} samples of each side.`,
    ),
}).superRefine((told, { addIssue }) => {
  const { latency, ...others } = told;
  const values = [...Object.values(others), ...Object.values(latency ?? {})];
  if (values.some((value) => value !== undefined)) return;
  const params = { allowed: 'successRate, latency, longestOutage, timeToRecover or against' };
  addIssue({ code: 'custom', path: [], message: 'it says nothing', params });
});

const sampled = {
  ...rate,
  tolerance: tolerance
    .optional()
    .describe('What the samples that are taken while the faults are in force must be like. Absent: all of them pass.'),
};

const guard = {
  ...rate,
  failures: z
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe('After how many samples in a row that did not pass the experiment ends.'),
  onError: z
    .enum(['Abort', 'Ignore'])
    .default('Abort')
    .describe('What a sample means that could not be taken. Abort: as much as one that fails; Ignore: nothing.'),
};

/** Samples begin at a fixed rate, however long each takes: so many of one probe are under way at most. */
const MOST_AT_ONCE = 50;

/** A measurement that is repeated while the faults are in force, and what its samples must be like. Times in milliseconds. */
export const sampledProbe = z
  .discriminatedUnion('type', [
    httpProbe.safeExtend(sampled),
    prometheusProbe.safeExtend(sampled),
    kubernetesProbe.safeExtend(sampled),
  ])
  .superRefine(({ timeout, interval }, { addIssue }) => {
    if (timeout <= MOST_AT_ONCE * interval) return;
    const params = { allowed: `at most ${formatDuration(MOST_AT_ONCE * interval)} with this interval` };
    addIssue({ code: 'custom', path: ['timeout'], message: 'too many samples would be under way at once', params });
  });

/** The same, with its defaults filled in. */
export type SampledProbe = z.output<typeof sampledProbe>;

/** What samples must be like. Shares in percent, times in milliseconds. */
export type Tolerance = z.output<typeof tolerance>;

/** A measurement that ends the experiment when it fails. Times in milliseconds. */
export const abortCondition = z.discriminatedUnion('type', [
  httpProbe.safeExtend(guard),
  prometheusProbe.safeExtend(guard),
  kubernetesProbe.safeExtend(guard),
]);

/** The same, with its defaults filled in. */
export type AbortCondition = z.output<typeof abortCondition>;
