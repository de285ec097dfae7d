/** The experiments that a workflow makes: their names, and what leads back to the step. Pure. */
import { hashOf } from '@chaosplane/common/pure';
import { shortName, type KubeObject, type OwnerReference } from '@chaosplane/kube/object';
import { API_VERSION } from '../shared/version.ts';
import type { NodeId } from './status.ts';

/** Leads from an experiment, or a shard, to its workflow. */
export const WORKFLOW_UID_LABEL = 'chaosplane.io/workflow-uid';

/** Which step it is: `both/slow`. */
export const WORKFLOW_STEP_ANNOTATION = 'chaosplane.io/workflow-step';

/** The how manieth time that the step is tried: `1`. */
export const WORKFLOW_ATTEMPT_ANNOTATION = 'chaosplane.io/workflow-attempt';

/** Keeps an experiment until its workflow has noted what became of it. */
export const STEP_FINALIZER = 'chaosplane.io/step';

/** The steps that are to go on although they wait, with commas between them: `ask,more/sure`. */
export const RESUME_ANNOTATION = 'chaosplane.io/resume';

/** A DNS label: what is made of an experiment's name is a valid one, too. */
const LONGEST_NAME = 63;

/**
 * The name of the experiment of a step. It is the same for each operator, so that none is made twice; and another one for another
 * workflow of the same name.
 */
export function stepExperimentName({ metadata }: Pick<KubeObject, 'metadata'>, id: NodeId, attempt: number): string {
  const { name, uid = '' } = metadata;
  const told = hashOf(`${uid} ${id}`).toString(16).padStart(8, '0');
  const suffix = `-${told}-${attempt}`;
  const step = id.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return shortName(`${name}-${step}`, LONGEST_NAME - suffix.length) + suffix;
}

/** What makes a workflow the owner of an experiment or a shard. */
export function workflowOwner({ metadata }: Pick<KubeObject, 'metadata'>): OwnerReference {
  const { name, uid = '' } = metadata;
  return { apiVersion: API_VERSION, kind: 'ChaosWorkflow', name, uid, controller: true, blockOwnerDeletion: true };
}

/** The owner that controls an object, where that is a workflow. */
export function workflowOwnerOf({ metadata }: Pick<KubeObject, 'metadata'>): OwnerReference | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.kind === 'ChaosWorkflow' && owner.apiVersion === API_VERSION ? owner : undefined;
}

/**
 * Which step of a workflow an experiment was made for; undefined where its name does not say the same: a user may write owners and
 * annotations.
 */
export function stepOfExperiment(
  workflow: Pick<KubeObject, 'metadata'>,
  { metadata }: Pick<KubeObject, 'metadata'>,
): { readonly id: NodeId; readonly attempt: number } | undefined {
  const id = metadata.annotations?.[WORKFLOW_STEP_ANNOTATION];
  const attempt = Number(metadata.annotations?.[WORKFLOW_ATTEMPT_ANNOTATION]);
  if (id === undefined || !Number.isSafeInteger(attempt)) return undefined;
  if (workflowOwnerOf({ metadata })?.uid !== workflow.metadata.uid) return undefined;
  return metadata.name === stepExperimentName(workflow, id, attempt) ? { id, attempt } : undefined;
}

/** The steps that were resumed. */
export function resumedSteps({ metadata }: Pick<KubeObject, 'metadata'>): ReadonlySet<NodeId> {
  const text = metadata.annotations?.[RESUME_ANNOTATION] ?? '';
  return new Set(
    text
      .split(',')
      .map((id) => id.trim())
      .filter(Boolean),
  );
}
