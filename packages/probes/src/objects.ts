/** Reads the objects that a probe counts: by their names, or in pages by their labels. */
import { whyNoMatch, type LabelSelector, type ProbedKind } from '@chaosplane/api';
import { ChaosError } from '@chaosplane/common';
import {
  daemonSets,
  deployments,
  isForbidden,
  jobs,
  nodes,
  pods,
  statefulSets,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from '@chaosplane/kube';
import type { WantedObjects } from './prober.ts';

const types: { readonly [Kind in ProbedKind]: ResourceType<KubeObject> } = {
  Pod: pods,
  Deployment: deployments,
  StatefulSet: statefulSets,
  DaemonSet: daemonSets,
  Job: jobs,
  Node: nodes,
};

/** Each page is one call, and is counted before the next one comes. */
const PAGE = 500;
const PAGES = 20;

/**
 * The objects of the kind in the namespace, or in the cluster for nodes: at most 10,000.
 * @throws Error saying why they cannot be read.
 */
export async function* readObjects(
  client: Pick<KubeClient, 'get' | 'list'>,
  { namespace, kind, names, labelSelector = {} }: WantedObjects & { readonly namespace: string },
  signal: AbortSignal,
): AsyncGenerator<readonly KubeObject[]> {
  const type = types[kind];
  const place = type.namespaced ? { namespace } : {};
  const where = type.namespaced ? ` of the namespace ${namespace}` : '';
  try {
    if (names !== undefined) {
      const found = await Promise.all(
        [...new Set(names)].map((name) => client.get(type, { ...place, name }, { signal })),
      );
      yield found.flatMap((object) =>
        object === undefined || whyNoMatch(object.metadata.labels ?? {}, labelSelector) !== undefined ? [] : [object],
      );
      return;
    }
    const selector = selectorText(labelSelector);
    let more: string | undefined;
    for (let page = 0; page < PAGES; page++) {
      const query = { ...place, labelSelector: selector, limit: PAGE, continue: more, signal };
      const listed = await client.list(type, query);
      yield listed.items;
      more = listed.continue;
      if (more === undefined) return;
    }
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new ChaosError('PERMISSION_DENIED', `the operator may not read ${kind}s${where}: its ClusterRole lacks that`);
  }
  throw new ChaosError(
    'FAILED_PRECONDITION',
    `there are more than ${PAGE * PAGES} ${kind}s${where}: narrow the labels`,
  );
}

/** As the API server reads it: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string | undefined {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const others = matchExpressions.map(({ key, operator, values }) => {
    switch (operator) {
      case 'In':
        return `${key} in (${values.join(',')})`;
      case 'NotIn':
        return `${key} notin (${values.join(',')})`;
      case 'Exists':
        return key;
      case 'DoesNotExist':
        return `!${key}`;
    }
  });
  const all = [...equal, ...others];
  return all.length === 0 ? undefined : all.join(',');
}
