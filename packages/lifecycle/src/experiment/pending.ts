/** The phase Pending: an experiment is refused, or its targets are chosen. */
import { withCondition, type ExperimentStatus } from '@chaosplane/api';
import { defined } from '@chaosplane/common/pure';
import type { Decision, Refusal, Understood } from './observation.ts';
import { judgeBeginning, withAudit } from './policy.ts';
import { selectTargets } from './select.ts';
import { notRun } from './verdict.ts';
import { asTarget, selectionMessage } from './selection-message.ts';

/** Nothing of the experiment is begun. */
export function refuse(status: ExperimentStatus, { reason, message }: Refusal, now: number): Decision {
  const conditions = [{ type: 'Selected', status: 'False', reason, message }] as const;
  return { kind: 'advance', status: notRun({ ...status, conditions }, message, now) };
}

/** A dry run chooses and is judged as a real run is, and also tells what a run that policies forbid would do. */
export function preview(observation: Understood, now: number): Decision {
  const { spec, candidates, seed, home } = observation;
  const selection = selectTargets(candidates, spec, spec.target.seed ?? seed);
  const policies = judgeBeginning(observation, selection, now);
  return { kind: 'preview', dryRun: { spec, selection, policies, ...defined({ home }) } };
}

/** Chooses the targets; an experiment without any has failed. */
export function chooseTargets(observation: Understood, now: number): Decision {
  const { spec, status, candidates, seed } = observation;
  const selection = selectTargets(candidates, spec, spec.target.seed ?? seed);
  const message = selectionMessage(selection, spec);
  if (selection.chosen.length === 0) {
    const failed = withCondition(status, { type: 'Selected', status: 'False', reason: 'NoTarget', message });
    return { kind: 'advance', status: notRun(failed, message, now) };
  }
  const policies = judgeBeginning(observation, selection, now);
  if ('denied' in policies) return refuse(status, { reason: 'PolicyDenied', message: policies.denied }, now);
  const targets = selection.chosen.map(asTarget);
  const selected = withCondition(status, { type: 'Selected', status: 'True', reason: 'TargetsChosen', message });
  const noted = withAudit(selected, policies.audited);
  return { kind: 'advance', status: { ...noted, phase: 'SteadyStateChecking', targets } };
}
