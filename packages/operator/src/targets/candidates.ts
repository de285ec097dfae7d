/** The pods of the cluster, as candidates for an experiment. Pure. */
import { findAction } from '@chaosplane/actions';
import type { Candidate, ExperimentSpec } from '@chaosplane/experiment';
import type { Pod } from '@chaosplane/kube';

/** Every pod, with what decides whether it may be hit. */
export function candidatesOf(pods: readonly Pod[], spec: Pick<ExperimentSpec, 'action'>): Candidate[] {
  const onNode = findAction(spec.action.type).route.on === 'daemon';
  return pods.map(({ metadata, spec: wanted, status }) => ({
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    labels: metadata.labels ?? {},
    running: status?.phase === 'Running' && metadata.deletionTimestamp === undefined && wanted?.nodeName !== undefined,
    // What the operator does to a pod itself is not done to its network.
    hostNetwork: onNode && wanted?.hostNetwork === true,
    ...(wanted?.nodeName === undefined ? {} : { node: wanted.nodeName }),
  }));
}
