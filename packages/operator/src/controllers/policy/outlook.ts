/** The cluster, as an experiment that is not there yet would be judged by it. */
import type { PolicyInput } from '@chaosplane/lifecycle';
import type { CandidateSources } from '../../targets/candidates.ts';

/** Its state at this moment. */
export interface Outlook extends CandidateSources {
  readonly policy: PolicyInput;
}

/** The copies of the leader, for the experiment of a key, `namespace/name`; absent while this replica does not lead. */
export interface LeaderView {
  outlook?: (key: string) => Outlook;
}
