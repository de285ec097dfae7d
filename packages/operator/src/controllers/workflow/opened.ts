/** What the controller holds of a workflow between two visits. */
import type { ChaosWorkflow, ExperimentObject, NodeId } from '@chaosplane/api';
import type { Graph, Seen, Workflow } from '@chaosplane/lifecycle';
import type { StoredWorkflow } from './store.ts';

/** Its experiments that are known, by step and attempt. */
export type Children = Map<string, ExperimentObject>;

/** One that goes on, or whose end is all that is left to do. */
export interface Opened {
  /** As it was written last. */
  stored: StoredWorkflow;
  /** Versions of the object before that: a copy may be behind. */
  readonly past: Set<string>;
  readonly children: Children;
  /** Uids of those that the copy has had. */
  readonly copied: Set<string>;
  run: Run | Broken;
}

/** One that is understood. */
export interface Run {
  readonly spec: ChaosWorkflow['spec'];
  readonly graph: Graph;
  readonly flow: Workflow;
  /** In which shard each step is. */
  readonly numbers: ReadonlyMap<NodeId, number>;
  readonly evaluate: Seen['evaluate'];
}

/** One that cannot go on. */
export interface Broken {
  readonly broken: string;
  readonly reason: 'InvalidSpec' | 'StepsLost' | 'PolicyDenied';
}
