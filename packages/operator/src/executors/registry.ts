/** Every action that the operator carries out, by its name. */
import { findAction, type OperatorActions } from '@chaosplane/actions';
import type { ExperimentSpec } from '@chaosplane/api';
import type { OperatorAction } from './actions/action.ts';
import { nodeDrainExecutor } from './actions/node-drain.ts';
import { nodeTaintExecutor } from './actions/node-taint.ts';
import { podKillExecutor } from './actions/pod-kill.ts';

/** One that is missing, or is no action of the operator, is a compile error here. */
const actions = {
  'node-drain': nodeDrainExecutor,
  'node-taint': nodeTaintExecutor,
  'pod-kill': podKillExecutor,
} satisfies { readonly [Name in OperatorActions]: OperatorAction };

const byName = new Map<string, OperatorAction>(Object.entries(actions));

/** The operator's own action of an experiment; undefined for those that daemons carry out. */
export function operatorAction({ action }: Pick<ExperimentSpec, 'action'>): OperatorAction | undefined {
  return byName.get(findAction(action.type).name);
}
