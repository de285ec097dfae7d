/** A dry run: targets are chosen and every daemon says what it would do; nothing is changed. */
import { asTarget, kindWord, selectionMessage, selectTargets, type Selection } from '@chaosplane/lifecycle';
import {
  targetName,
  withCondition,
  type ChaosExperiment,
  type ExperimentStatus,
  type TargetStatus,
} from '@chaosplane/api';
import pMap from 'p-map';
import { reasonOf } from '@chaosplane/client';
import { observe } from './observe.ts';
import { report } from './report.ts';
import type { Next, Run } from './run.ts';

/** Ends the experiment as Completed when every target could be hit, as Failed otherwise. */
export async function rehearse(run: Run): Promise<Next> {
  const { spec } = run.experiment;
  const { candidates, seed } = await observe(run);
  const selection = selectTargets(candidates, spec, spec.target.seed ?? seed);
  const planned = await pMap(
    selection.chosen,
    async (candidate): Promise<TargetStatus> => {
      const target = asTarget(candidate);
      return run.executor.rehearse(target).then(
        (plan): TargetStatus => ({ ...target, message: `would be hit: ${plan}` }),
        (error: unknown): TargetStatus => ({ ...target, state: 'Missed', message: reasonOf(error) }),
      );
    },
    { concurrency: spec.execution.parallelism },
  );
  const targets = withinRoom(planned);
  const missed = targets.filter(({ state }) => state === 'Missed');
  const fails = targets.length === 0 || missed.length > 0;
  const count = `a dry run: ${targets.length - missed.length} of ${targets.length + selection.spared.length} ${kindWord(spec)}s would be hit`;
  const outcome = {
    phase: fails ? 'Failed' : 'Completed',
    message: [count, missed[0]?.message].filter(Boolean).join('; '),
  } as const;
  const selected = {
    type: 'Selected',
    status: targets.length === 0 ? 'False' : 'True',
    reason: targets.length === 0 ? 'NoTarget' : 'TargetsChosen',
    message: [selectionMessage(selection, spec), ...whyNotOthers(selection, run.experiment)].join('\n'),
  } as const;
  const now = run.clock.now();
  const written = withCondition(run.status, selected);
  const status: ExperimentStatus = { ...written, phase: outcome.phase, outcome, targets, endedAt: now };
  run.status = status;
  await report(run, true);
  return undefined;
}

/** Plans together, in characters: the status and the shards of an object have room for a megabyte and a half. */
const MOST_PLANS = 200_000;
const LONGEST_PLAN = 20_000;

/** The first plans as a whole; of the others, how many steps they have. */
function withinRoom(targets: readonly TargetStatus[]): TargetStatus[] {
  let room = MOST_PLANS;
  return targets.map((target) => {
    const { message = '' } = target;
    if (message.length <= Math.min(room, LONGEST_PLAN)) {
      room -= message.length;
      return target;
    }
    return { ...target, message: `${message.split('\n')[0] ?? ''}, too many to be shown` };
  });
}

const MOST_SPARED = 50;

/** Who is spared and why: by name where the experiment is at home, else in numbers, because who reads it there may not list pods elsewhere. */
function whyNotOthers({ spared }: Selection, { metadata, spec }: ChaosExperiment): string[] {
  if (spec.target.namespace === metadata.namespace) {
    const shown = spared
      .slice(0, MOST_SPARED)
      .map(({ candidate, why }) => `not chosen: ${targetName(candidate)}: ${why}`);
    return spared.length > MOST_SPARED ? [...shown, `and ${spared.length - MOST_SPARED} more`] : shown;
  }
  const reasons = Map.groupBy(spared, ({ why }) => why);
  return [...reasons].slice(0, MOST_SPARED).map(([why, those]) => `not chosen: ${those.length}: ${why}`);
}
