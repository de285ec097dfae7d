/** Experiments and their shards, as the API server has them. */
import type { KubeObject } from '@chaosplane/kube/object';
import type { StatusDocument, TargetDocument } from './status-document.ts';

/** A ChaosExperiment. Its spec is anything that the schema of the API server let pass. */
export interface ExperimentObject extends KubeObject {
  readonly spec: unknown;
  readonly status?: StatusDocument;
}

/** Up to 500 targets of one experiment: the durable list of what is meant to be injected, and how far each one is. */
export interface ShardObject extends KubeObject {
  readonly targets: readonly TargetDocument[];
}
