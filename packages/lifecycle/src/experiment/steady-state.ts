/** The phase SteadyStateChecking: what is normal must be so before anything is injected. Also how each outcome is told. */
import { withCondition, type ExperimentStatus } from '@chaosplane/api';
import type { Decision, ProbeOutcome, Understood } from './observation.ts';
import { beforeInjection } from './sampling.ts';
import { LOOK_AGAIN_MS } from './timing.ts';
import { notRun } from './verdict.ts';

/** Asks the probes; an experiment without its steady state has failed, and so has one whose steady state is not known. */
export function checkSteadyState(observation: Understood, now: number): Decision {
  const { spec, status, before } = observation;
  if (spec.steadyState.before.length > 0 && before === undefined) return { kind: 'probe', side: 'before' };
  if (before !== undefined && before.outcome !== 'pass') return notThere(status, before, now);
  const checked = before === undefined ? status : withSteadyState(status, before, BEFORE);
  const sampled = beforeInjection(spec, observation);
  if (sampled === undefined) return begin(checked, now);
  return sampled === 'wait' ? { kind: 'wait', until: now + LOOK_AGAIN_MS } : notThere(status, sampled, now);
}

const BEFORE = 'before the faults';

function notThere(status: ExperimentStatus, seen: ProbeOutcome, now: number): Decision {
  const what = {
    fail: 'the steady state was not there to begin with',
    error: 'it is not known whether the steady state was there to begin with',
    pass: '',
  };
  const failed = withSteadyState(status, seen, BEFORE);
  return { kind: 'advance', status: notRun(failed, `${what[seen.outcome]}: ${seen.message}`, now) };
}

function begin(status: ExperimentStatus, now: number): Decision {
  return { kind: 'advance', status: { ...status, phase: 'Running', startedAt: now } };
}

/** With the condition SteadyState; `when` says to which side of the faults the probes belong. */
export function withSteadyState(
  status: ExperimentStatus,
  { outcome, message: said }: ProbeOutcome,
  when: string,
): ExperimentStatus {
  const message = `${when}: ${said}`;
  const type = 'SteadyState';
  switch (outcome) {
    case 'pass':
      return withCondition(status, { type, status: 'True', reason: 'ProbesPassed', message });
    case 'fail':
      return withCondition(status, { type, status: 'False', reason: 'ProbeFailed', message });
    case 'error':
      return withCondition(status, { type, status: 'Unknown', reason: 'ProbeError', message });
  }
}
