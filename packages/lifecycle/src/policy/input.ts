/** What decisions on an experiment are given of the policies. */
import type { KnownPolicy } from '@chaosplane/api';
import type { ClusterFacts } from './cluster.ts';

/** The policies, and what they are judged by; read when it is asked for, and the same for one decision. */
export interface PolicyInput {
  /** Undefined: they are not known yet. Nothing is begun then. */
  readonly policies: readonly KnownPolicy[] | undefined;
  readonly cluster: ClusterFacts;
}
