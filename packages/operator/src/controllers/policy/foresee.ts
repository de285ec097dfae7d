/** What the policies of the cluster have against an experiment that is not there yet. */
import type { AskedSpec } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import { foresee, type Finding } from '@chaosplane/lifecycle';
import { candidatesOf } from '../../targets/candidates.ts';
import type { LeaderView } from './outlook.ts';
import { readOutlook, type SnapshotParts } from './snapshot.ts';

/** What it is judged with. */
export interface ForeseeParts extends SnapshotParts {
  readonly leader: LeaderView;
  readonly clock: Clock;
}

/**
 * Judges it, by the copies of the leader or by what is read for this once; undefined where the policies are not known.
 * @throws KubeError when the cluster cannot be read; the reason of the signal when it aborts.
 */
export async function foreseen(
  asked: AskedSpec,
  key: string,
  { leader, clock, ...parts }: ForeseeParts,
  signal: AbortSignal,
): Promise<readonly Finding[] | undefined> {
  const outlook = leader.outlook?.(key) ?? (await readOutlook(asked, key, parts, signal));
  return foresee(asked, { candidates: candidatesOf(asked, outlook), policy: outlook.policy }, clock.now());
}
