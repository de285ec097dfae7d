/** Finds what a name on the command line means: an experiment or a workflow of the cluster. */
import type { ExperimentObject, WorkflowObject } from '@chaosplane/api';
import { experimentRuns, workflowRuns } from '@chaosplane/client';
import { ChaosError } from '@chaosplane/common';
import { isForbidden, isNotFound, type KubeClient, type KubeObject, type ResourceType } from '@chaosplane/kube';
import type { Connection } from './connect.ts';

/** What was found. */
export type Found =
  | { readonly word: 'experiment'; readonly object: ExperimentObject }
  | { readonly word: 'workflow'; readonly object: WorkflowObject };

/**
 * What a user calls so: `NAME`, or `experiment/NAME` and `workflow/NAME` where both are there.
 * @throws ChaosError NOT_FOUND where neither is there, INVALID_ARGUMENT where both are.
 */
export async function findRun({ client, namespace }: Connection, called: string): Promise<Found> {
  const [, word, name = called] = /^(experiment|workflow)\/(.+)$/.exec(called) ?? [];
  const ref = { namespace, name };
  const object = word === 'workflow' ? undefined : await client.get(experimentRuns.type, ref);
  const workflow = word === 'experiment' ? undefined : await known(client, workflowRuns.type, ref);
  if (object !== undefined && workflow !== undefined) {
    const message = `there are an experiment and a workflow ${name} in the namespace ${namespace}`;
    throw new ChaosError('INVALID_ARGUMENT', `${message}: say experiment/${name} or workflow/${name}`);
  }
  if (object !== undefined) return { word: 'experiment', object };
  if (workflow !== undefined) return { word: 'workflow', object: workflow };
  const what = word ?? 'experiment or workflow';
  const message = `there is no ${what} ${name} in the namespace ${namespace}`;
  throw new ChaosError('NOT_FOUND', `${message}; get --cluster -A lists those of all namespaces`);
}

/** A cluster may have no such kind yet, and a user no right to it: then there is none. */
async function known<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  ref: { readonly namespace: string; readonly name: string },
): Promise<T | undefined> {
  try {
    return await client.get(type, ref);
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** All of a namespace, or of the cluster, in the order of their names. */
export async function listWorkflows(
  client: KubeClient,
  where: { readonly namespace?: string },
): Promise<readonly WorkflowObject[]> {
  try {
    return (await client.list(workflowRuns.type, where)).items;
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return [];
    throw error;
  }
}
