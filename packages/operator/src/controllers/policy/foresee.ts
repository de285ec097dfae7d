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

/** How long reading may take; the API server waits three seconds for the whole answer. Milliseconds. */
const PATIENCE_MS = 2000;

/**
 * Judges it, by the copies of the leader or by what is read for this once; undefined where the policies are not known.
 * @throws KubeError when the cluster cannot be read; the reason of the signal when that takes too long.
 */
export async function foreseen(
  asked: AskedSpec,
  key: string,
  { leader, clock, ...parts }: ForeseeParts,
): Promise<readonly Finding[] | undefined> {
  const outlook = leader.outlook?.(key) ?? (await readOutlook(asked, key, parts, AbortSignal.timeout(PATIENCE_MS)));
  return foresee(asked, { candidates: candidatesOf(asked, outlook), policy: outlook.policy }, clock.now());
}
