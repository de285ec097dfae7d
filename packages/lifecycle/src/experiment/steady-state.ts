/** The phase SteadyStateChecking: what is normal must be so before anything is injected. */
import type { Decision, Understood } from './observation.ts';
import { notRun } from './verdict.ts';

/** Asks the probes; an experiment without its steady state has failed. */
export function checkSteadyState({ spec, status, before }: Understood, now: number): Decision {
  if (spec.steadyState.before.length > 0) {
    if (before === undefined) return { kind: 'probe', side: 'before' };
    if (!before.passed) {
      const message = `the steady state was not there to begin with: ${before.message}`;
      return { kind: 'advance', status: notRun(status, message, now) };
    }
  }
  return { kind: 'advance', status: { ...status, phase: 'Running', startedAt: now } };
}
