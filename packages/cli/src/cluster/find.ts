/** Finds what a name on the command line means: an experiment or a workflow of the cluster. */
import type { ExperimentObject, WorkflowObject } from '@chaosplane/api';
import { experimentRuns, workflowRuns } from '@chaosplane/client';
import { ChaosError } from '@chaosplane/common';
import { isForbidden, type Abortable, type KubeClient, type KubeObject, type ResourceType } from '@chaosplane/kube';
import type { Connection } from './connect.ts';
import { NotInstalled } from './refusals.ts';

/** What was found. */
export type Found =
  | { readonly word: 'experiment'; readonly object: ExperimentObject }
  | { readonly word: 'workflow'; readonly object: WorkflowObject };

/**
 * What a user calls so: `NAME`, or `experiment/NAME` and `workflow/NAME` where asked are there.
 * @throws ChaosError NOT_FOUND where neither is there, INVALID_ARGUMENT where asked are.
 */
export async function findRun(
  { client, namespace }: Pick<Connection, 'client' | 'namespace'>,
  called: string,
  options: Abortable = {},
): Promise<Found> {
  const [, word, name = called] = /^(experiment|workflow)\/(.+)$/.exec(called) ?? [];
  const ref = { namespace, name };
  const object = word === 'workflow' ? undefined : await client.get(experimentRuns.type, ref, options);
  const asked = [workflowRuns.type, ref, options] as const;
  const named = word === 'workflow' ? client.get(...asked) : undefined;
  const workflow = word === 'experiment' ? undefined : await (named ?? known(client, ...asked));
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
  options: Abortable,
): Promise<T | undefined> {
  try {
    return await client.get(type, ref, options);
  } catch (error) {
    if (isForbidden(error) || error instanceof NotInstalled) return undefined;
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
    if (isForbidden(error) || error instanceof NotInstalled) return [];
    throw error;
  }
}
