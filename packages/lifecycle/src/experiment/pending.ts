/** The phase Pending: targets are chosen. */
import { withCondition } from '@chaosplane/api';
import type { Decision, Observation } from './observation.ts';
import { selectTargets } from './select.ts';
import { asTarget, selectionMessage } from './selection-message.ts';

/** Chooses the targets; an experiment without any has failed. */
export function chooseTargets({ spec, status, candidates, seed }: Observation, now: number): Decision {
  const selection = selectTargets(candidates, spec, spec.target.seed ?? seed);
  const message = selectionMessage(selection, spec);
  if (selection.chosen.length === 0) {
    const failed = withCondition(status, { type: 'Selected', status: 'False', reason: 'NoTarget', message });
    return {
      kind: 'advance',
      status: { ...failed, phase: 'Failed', endedAt: now, outcome: { phase: 'Failed', message } },
    };
  }
  const targets = selection.chosen.map(asTarget);
  const selected = withCondition(status, { type: 'Selected', status: 'True', reason: 'TargetsChosen', message });
  return { kind: 'advance', status: { ...selected, phase: 'SteadyStateChecking', targets } };
}
