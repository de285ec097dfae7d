/** What to do next with an experiment: pure, and the same for the operator and for `chaosplane run`. */
import { isFinal, type Phase } from '@chaosplane/api';
import { complete } from './completing.ts';
import type { Decision, Observation, Understood } from './observation.ts';
import { chooseTargets, preview, refuse } from './pending.ts';
import { holdPolicies } from './policy.ts';
import { beginRecovery, finish, unknownSpec } from './recovering.ts';
import { run } from './running.ts';
import { checkSteadyState } from './steady-state.ts';

/** What follows in one phase. */
type Step = (observation: Understood, now: number) => Decision;

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
export function decide(observed: Observation, now: number): Decision {
  const { samples } = observed;
  // Each status that follows says what the samples say.
  const observation = samples === undefined ? observed : { ...observed, status: { ...observed.status, samples } };
  return next(observation, now);
}

function next(observation: Observation, now: number): Decision {
  const { spec, status, abort, refusal } = observation;
  if (isFinal(status)) return { kind: 'done' };
  if (status.phase === 'Pending') {
    if (refusal !== undefined) return refuse(status, refusal, now);
    // Nothing is begun by a dry run, so nothing of it is aborted.
    if (spec?.execution.dryRun === true) return preview({ ...observation, spec }, now);
  }
  if (abort !== undefined && status.outcome?.phase !== 'Aborted') {
    return beginRecovery(status, now, { phase: 'Aborted', message: abort });
  }
  if (spec !== undefined) {
    const understood = { ...observation, spec };
    return holdPolicies(understood, now) ?? steps[status.phase](understood, now);
  }
  if (status.phase === 'Recovering') return finish({ ...observation, spec: unknownSpec }, now);
  return beginRecovery(status, now, { phase: 'Aborted', message: 'its spec cannot be understood' });
}
