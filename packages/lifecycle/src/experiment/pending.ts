/** The phase Pending: an experiment is refused, or its targets are chosen. */
import { withCondition, type ExperimentStatus } from '@chaosplane/api';
import { defined } from '@chaosplane/common/pure';
import type { Decision, Refusal, Understood } from './observation.ts';
import { selectTargets } from './select.ts';
import { notRun } from './verdict.ts';
import { asTarget, selectionMessage } from './selection-message.ts';

/** Nothing of the experiment is begun. */
export function refuse(status: ExperimentStatus, { reason, message }: Refusal, now: number): Decision {
  const conditions = [{ type: 'Selected', status: 'False', reason, message }] as const;
  return { kind: 'advance', status: notRun({ ...status, conditions }, message, now) };
}

/** A dry run chooses as a real run does. */
export function preview({ spec, candidates, seed, home }: Understood): Decision {
  const selection = selectTargets(candidates, spec, spec.target.seed ?? seed);
  return { kind: 'preview', dryRun: { spec, selection, ...defined({ home }) } };
}

/** Chooses the targets; an experiment without any has failed. */
export function chooseTargets({ spec, status, candidates, seed }: Understood, now: number): Decision {
  const selection = selectTargets(candidates, spec, spec.target.seed ?? seed);
  const message = selectionMessage(selection, spec);
  if (selection.chosen.length === 0) {
    const failed = withCondition(status, { type: 'Selected', status: 'False', reason: 'NoTarget', message });
    return { kind: 'advance', status: notRun(failed, message, now) };
  }
  const targets = selection.chosen.map(asTarget);
  const selected = withCondition(status, { type: 'Selected', status: 'True', reason: 'TargetsChosen', message });
  return { kind: 'advance', status: { ...selected, phase: 'SteadyStateChecking', targets } };
}
