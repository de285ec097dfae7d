/** Our resources, as the API server has them. */
import { API_VERSION, type StatusDocument, type TargetDocument } from '@chaosplane/experiment';
import { resourceType, type KubeObject } from '@chaosplane/kube';

/** A ChaosExperiment. Its spec is whatever the schema of the API server let pass. */
export interface ExperimentObject extends KubeObject {
  readonly spec: unknown;
  readonly status?: StatusDocument;
}

/** Up to 500 targets of one experiment: the durable list of what is meant to be injected, and how far each one is. */
export interface ShardObject extends KubeObject {
  readonly targets: readonly TargetDocument[];
}

export const chaosExperiments = resourceType<ExperimentObject>({
  apiVersion: API_VERSION,
  kind: 'ChaosExperiment',
  plural: 'chaosexperiments',
  namespaced: true,
});

export const chaosExperimentShards = resourceType<ShardObject>({
  apiVersion: API_VERSION,
  kind: 'ChaosExperimentShard',
  plural: 'chaosexperimentshards',
  namespaced: true,
});

/** Keeps an experiment until every target has recovered. */
export const FINALIZER = 'chaosplane.io/recover';

/** `"true"` ends the experiment and recovers everything. */
export const ABORT_ANNOTATION = 'chaosplane.io/abort';

/** Leads from a shard to its experiment. */
export const EXPERIMENT_UID_LABEL = 'chaosplane.io/experiment-uid';

/** Who writes, to server-side apply. */
export const FIELD_MANAGER = 'chaosplane-operator';

/** Why the object's owner wants it to end now; undefined when nobody does. */
export function whyAbort({ metadata }: Pick<KubeObject, 'metadata'>): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return 'the experiment was deleted';
  if (metadata.annotations?.[ABORT_ANNOTATION] === 'true') return `aborted by the annotation ${ABORT_ANNOTATION}`;
  return undefined;
}
