/** What to do next with an experiment: pure, and the same for the operator and for `chaosplane run`. */
import { isFinal, type Phase } from '@chaosplane/api';
import { complete } from './completing.ts';
import type { Decision, Observation } from './observation.ts';
import { chooseTargets } from './pending.ts';
import { beginRecovery, finish } from './recovering.ts';
import { run } from './running.ts';
import { checkSteadyState } from './steady-state.ts';

/** What follows in one phase. */
type Step = (observation: Observation, now: number) => Decision;

const over: Step = () => ({ kind: 'done' });

const steps = {
  Pending: chooseTargets,
  SteadyStateChecking: checkSteadyState,
  Running: run,
  Completing: complete,
  Recovering: finish,
  Completed: over,
  Failed: over,
  Aborted: over,
} satisfies Record<Phase, Step>;

/** Decides. Deterministic and total. */
export function decide(observation: Observation, now: number): Decision {
  const { status, abort } = observation;
  if (isFinal(status)) return { kind: 'done' };
  if (abort !== undefined && status.outcome?.phase !== 'Aborted') {
    return beginRecovery(status, now, { phase: 'Aborted', message: abort });
  }
  return steps[status.phase](observation, now);
}
