/** What the phases wait for of the probes that are asked again and again. Pure. */
import {
  BASELINE_SAMPLES,
  type ExperimentSpec,
  type ExperimentStatus,
  type ProbeSamples,
  type SampledProbe,
} from '@chaosplane/api';
import { countOf } from '@chaosplane/common/pure';
import type { Observation, ProbeOutcome } from './observation.ts';

/** Baselines end after so many attempts for each sample that is needed. */
const ATTEMPTS = 2;

/**
 * What keeps the first injection: 'wait' while samples are to come, or why the steady state is not there. Undefined: nothing does.
 * Each probe that is sampled must pass, and has its baseline where it is compared with one.
 */
export function beforeInjection(
  { steadyState, abortConditions }: Pick<ExperimentSpec, 'steadyState' | 'abortConditions'>,
  { samples = [], guarded }: Pick<Observation, 'samples' | 'guarded'>,
): 'wait' | ProbeOutcome | undefined {
  const states = steadyState.during.map((probe, index) => stateOf(probe, samples[index]));
  const failed = states.find((state) => typeof state === 'object');
  if (failed !== undefined) return failed;
  return states.includes('wait') || (abortConditions.length > 0 && guarded !== true) ? 'wait' : undefined;
}

function stateOf({ tolerance }: SampledProbe, samples: ProbeSamples | undefined): 'wait' | ProbeOutcome | undefined {
  if (samples?.last === undefined) return 'wait';
  const { name, before, last, failure = '' } = samples;
  if (tolerance?.against === undefined)
    return last.outcome === 'pass' ? undefined : { outcome: last.outcome, message: `${name}: ${failure}`, tookMs: 0 };
  if (before.passed >= BASELINE_SAMPLES) return undefined;
  const tried = before.passed + before.failed + before.errors;
  if (tried < ATTEMPTS * BASELINE_SAMPLES) return 'wait';
  const message = `${name}: ${before.passed} of ${countOf(tried, 'sample')} passed, and the baseline needs ${BASELINE_SAMPLES}: ${failure}`;
  return { outcome: before.failed > 0 ? 'fail' : 'error', message, tookMs: 0 };
}

/** What does not pass again of what began after the recovery; undefined when everything does, or nothing is sampled. */
export function samplesBack(
  { samples = [] }: Pick<ExperimentStatus, 'samples'>,
  recoveredAt: number,
): ProbeOutcome | undefined {
  for (const { name, last, failure = '' } of samples) {
    if (last === undefined || last.begunAt < recoveredAt)
      return { outcome: 'error', message: `${name}: no sample was taken afterwards`, tookMs: 0 };
    if (last.outcome !== 'pass') return { outcome: last.outcome, message: `${name}: ${failure}`, tookMs: 0 };
  }
  return undefined;
}
