/** One visit to one experiment: what it is about, and what it changes. */
import { experimentId, type ExperimentObject, type ExperimentSpec, type ExperimentStatus } from '@chaosplane/api';
import type { Stored } from './store.ts';

/** The experiment, as it was read. */
export interface Visited {
  /** Unique, and readable in the logs and lists of a node. */
  readonly id: string;
  readonly namespace: string;
  /** Of the work queue: `namespace/name`. */
  readonly key: string;
  /** Undefined: it cannot be understood. */
  readonly spec: ExperimentSpec | undefined;
  /** Why the experiment must end: it cannot be understood, or what was written down of it is not the operator's. */
  readonly broken?: string;
}

/** What a visit changes. */
export interface Visit {
  /** What the API server has. */
  stored: Stored;
  /** What is known by now. */
  status: ExperimentStatus;
  /** On the monotonic clock: when the status was last written. */
  savedAt: number;
  /** The status of each phase that was entered since then. */
  entered: readonly ExperimentStatus[];
}

/** The id under which the daemons know the experiment. */
export function experimentIdOf({ metadata: { namespace = '', name, uid = '' } }: ExperimentObject): string {
  return experimentId({ namespace, name }, uid);
}
