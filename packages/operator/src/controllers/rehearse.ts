/** A dry run: targets are chosen and every daemon says what it would do; nothing is changed. */
import { asTarget, kindWord, selectTargets, type ExperimentStatus, type TargetStatus } from '@chaosplane/experiment';
import pMap from 'p-map';
import { reasonOf } from '../daemons/requests.ts';
import { observe } from './observe.ts';
import { report } from './report.ts';
import type { Next, Run } from './run.ts';

/** Ends the experiment as Completed when every target could be hit, as Failed otherwise. */
export async function rehearse(run: Run): Promise<Next> {
  const { spec } = run.experiment;
  const { candidates, seed } = await observe(run);
  const { chosen, spared } = selectTargets(candidates, spec, spec.target.seed ?? seed);
  const targets = await pMap(
    chosen,
    async (candidate): Promise<TargetStatus> => {
      const target = asTarget(candidate);
      return run.executor.rehearse(target).then(
        (plan): TargetStatus => ({ ...target, message: `would be hit: ${plan}` }),
        (error: unknown): TargetStatus => ({ ...target, state: 'Missed', message: reasonOf(error) }),
      );
    },
    { concurrency: spec.execution.parallelism },
  );
  const missed = targets.filter(({ state }) => state === 'Missed');
  const fails = targets.length === 0 || missed.length > 0;
  const count = `a dry run: ${targets.length - missed.length} of ${targets.length + spared.length} ${kindWord(spec)}s would be hit`;
  const outcome = {
    phase: fails ? 'Failed' : 'Completed',
    message: [count, missed[0]?.message].filter(Boolean).join('; '),
  } as const;
  const now = run.clock.now();
  const status: ExperimentStatus = { ...run.status, phase: outcome.phase, outcome, targets, endedAt: now };
  run.status = status;
  await report(run, true);
  return undefined;
}
