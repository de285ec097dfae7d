/** The phase SteadyStateChecking: what is normal must be so before anything is injected. Also how each outcome is told. */
import { withCondition, type ExperimentStatus } from '@chaosplane/api';
import type { Decision, ProbeOutcome, Understood } from './observation.ts';
import { notRun } from './verdict.ts';

/** Asks the probes; an experiment without its steady state has failed, and so has one whose steady state is not known. */
export function checkSteadyState({ spec, status, before }: Understood, now: number): Decision {
  if (spec.steadyState.before.length === 0) return begin(status, now);
  if (before === undefined) return { kind: 'probe', side: 'before' };
  if (before.outcome === 'pass') return begin(withSteadyState(status, before, 'before the faults'), now);
  const what = {
    fail: 'the steady state was not there to begin with',
    error: 'it is not known whether the steady state was there to begin with',
  };
  const message = `${what[before.outcome]}: ${before.message}`;
  const failed = withSteadyState(status, before, 'before the faults');
  return { kind: 'advance', status: notRun(failed, message, now) };
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
