/** What a dry run leaves in the status: what each target would get; nothing is changed. */
import {
  targetName,
  withCondition,
  type ExperimentCondition,
  type ExperimentStatus,
  type TargetStatus,
} from '@chaosplane/api';
import { ended } from './ended.ts';
import { withAudit } from './policy.ts';
import type { DryRun } from './observation.ts';
import type { Candidate } from './select.ts';
import { asTarget, kindWord, selectionMessage } from './selection-message.ts';

/** Characters of plans that are kept: of all targets together, and of each. */
export interface PlanRoom {
  readonly all: number;
  readonly each: number;
}

const UNLIMITED: PlanRoom = { all: Infinity, each: Infinity };

/** How the end of a dry run is told. */
export interface AfterDryRun {
  readonly now: number;
  readonly reasonOf: (error: unknown) => string;
  readonly planRoom?: PlanRoom;
}

/** What one target would get, or why it could not be hit. */
export type Preview = { readonly plan: string } | { readonly error: unknown };

/**
 * Ends the experiment as Completed when every target could be hit and no policy forbids it, as Failed otherwise; `previews` are in the
 * order of the targets.
 */
export function afterDryRun(
  before: ExperimentStatus,
  dryRun: DryRun,
  previews: readonly Preview[],
  { now, reasonOf, planRoom }: AfterDryRun,
): ExperimentStatus {
  const { spec, selection, policies } = dryRun;
  const denied = 'denied' in policies ? policies.denied : undefined;
  const targets = withinRoom(
    planRoom,
    selection.chosen.map((candidate, index) => previewed(candidate, previews[index], { reasonOf, denied })),
  );
  const missed = targets.filter(({ state }) => state === 'Missed');
  const fails = denied !== undefined || targets.length === 0 || missed.length > 0;
  const count = `a dry run: ${targets.length - missed.length} of ${targets.length + selection.skipped.length} ${kindWord(spec)}s would be hit`;
  const outcome = {
    phase: fails ? 'Failed' : 'Completed',
    message: [denied ?? count, missed[0]?.message].filter(Boolean).join('; '),
  } as const;
  const others = whyNotOthers(dryRun);
  const selected: ExperimentCondition =
    denied !== undefined
      ? { type: 'Selected', status: 'False', reason: 'PolicyDenied', message: [denied, ...others].join('\n') }
      : {
          type: 'Selected',
          status: targets.length === 0 ? 'False' : 'True',
          reason: targets.length === 0 ? 'NoTarget' : 'TargetsChosen',
          message: [selectionMessage(selection, spec), ...others].join('\n'),
        };
  const noted = withAudit(withCondition(before, selected), 'audited' in policies ? policies.audited : []);
  return ended({ ...noted, targets }, outcome, now);
}

function previewed(
  candidate: Candidate,
  preview: Preview | undefined,
  { reasonOf, denied }: { readonly reasonOf: (error: unknown) => string; readonly denied: string | undefined },
): TargetStatus {
  const target = asTarget(candidate);
  if (preview === undefined) return { ...target, state: 'Missed' };
  if ('error' in preview) return { ...target, state: 'Missed', message: reasonOf(preview.error) };
  return {
    ...target,
    message: `would be hit${denied === undefined ? '' : ' if no policy forbade it'}: ${preview.plan}`,
  };
}

/** The first plans as a whole; of the others, how many steps they have. */
function withinRoom({ all, each }: PlanRoom = UNLIMITED, targets: readonly TargetStatus[]): TargetStatus[] {
  let room = all;
  return targets.map((target) => {
    const { message = '' } = target;
    if (message.length <= Math.min(room, each)) {
      room -= message.length;
      return target;
    }
    return { ...target, message: `${message.split('\n')[0] ?? ''}, too many to be shown` };
  });
}

const MOST_SKIPPED = 50;

/** Candidates that are not hit, and why: by name where the experiment is at home, else in numbers, because its readers may not list pods elsewhere. */
function whyNotOthers({ selection: { skipped }, spec, home }: DryRun): string[] {
  if (spec.target.namespace === home) {
    const shown = skipped
      .slice(0, MOST_SKIPPED)
      .map(({ candidate, why }) => `not chosen: ${targetName(candidate)}: ${why}`);
    return skipped.length > MOST_SKIPPED ? [...shown, `and ${skipped.length - MOST_SKIPPED} more`] : shown;
  }
  const reasons = Map.groupBy(skipped, ({ why }) => why);
  return [...reasons].slice(0, MOST_SKIPPED).map(([why, those]) => `not chosen: ${those.length}: ${why}`);
}
