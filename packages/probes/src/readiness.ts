/** What is ready of an object, by its kind. Pure. */
import type { ProbedKind } from '@chaosplane/api';
import type {
  BuiltInCondition,
  DaemonSet,
  Deployment,
  Job,
  KubeObject,
  Node,
  Pod,
  StatefulSet,
} from '@chaosplane/kube';

/** One object, as far as it counts. */
export interface Readiness {
  readonly name: string;
  /** How many of it are ready: 0 or 1 of a pod, a node or a Job, pods of a Deployment, a StatefulSet or a DaemonSet. */
  readonly ready: number;
  /** How many there should be. */
  readonly wanted: number;
  /** Why not all are; absent when they are. */
  readonly why?: string;
}

/** How one kind tells it. Each takes the object of its kind. */
type ReadinessOf = (object: KubeObject) => Readiness;

/**
 * Pod: its condition Ready is True, and it is not being deleted
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions). A pod that is on its way out stays Ready for
 * up to its grace period, beside the one that takes its place.
 */
export function podReadiness({ metadata, status }: Pod): Readiness {
  const { name } = metadata;
  const condition = conditionOf(status, 'Ready');
  if (metadata.deletionTimestamp !== undefined) return { name, ready: 0, wanted: 1, why: 'it is being deleted' };
  if (condition?.status === 'True') return { name, ready: 1, wanted: 1 };
  const { reason, phase = 'it has no status yet' } = status ?? {};
  const why = condition?.reason ?? reason ?? (phase === 'Running' ? 'it runs, and is not Ready' : phase);
  return { name, ready: 0, wanted: 1, why };
}

/** Node: its condition Ready is True; cordoned or not (https://kubernetes.io/docs/reference/node/node-status/#condition). */
export function nodeReadiness({ metadata, status }: Node): Readiness {
  const { name } = metadata;
  const condition = conditionOf(status, 'Ready');
  if (condition?.status === 'True') return { name, ready: 1, wanted: 1 };
  return { name, ready: 0, wanted: 1, why: condition?.reason ?? 'it has no condition Ready' };
}

/** Job: its condition Complete is True (https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions). */
export function jobReadiness({ metadata, status }: Job): Readiness {
  const { name } = metadata;
  if (conditionOf(status, 'Complete')?.status === 'True') return { name, ready: 1, wanted: 1 };
  const failed = conditionOf(status, 'Failed');
  const why = failed?.status === 'True' ? `it has failed (${failed.reason ?? 'no reason'})` : 'it is not complete';
  return { name, ready: 0, wanted: 1, why };
}

/**
 * Deployment, StatefulSet: `status.readyReplicas` of `spec.replicas`
 * (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/#DeploymentStatus). Those above what is
 * wanted do not count: the surge of one Deployment does not stand in for another.
 */
export function replicaReadiness({ metadata, spec, status }: Deployment | StatefulSet): Readiness {
  return replicas(metadata, status?.observedGeneration, { ready: status?.readyReplicas, wanted: spec?.replicas ?? 1 });
}

/**
 * DaemonSet: `status.numberReady` of `status.desiredNumberScheduled`
 * (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/daemon-set-v1/#DaemonSetStatus).
 */
export function daemonSetReadiness({ metadata, status }: DaemonSet): Readiness {
  const { numberReady: ready, desiredNumberScheduled: wanted = 0 } = status ?? {};
  return replicas(metadata, status?.observedGeneration, { ready, wanted });
}

/** By kind. */
export const readinessOf: { readonly [Kind in ProbedKind]: ReadinessOf } = {
  Pod: podReadiness,
  Node: nodeReadiness,
  Job: jobReadiness,
  Deployment: replicaReadiness,
  StatefulSet: replicaReadiness,
  DaemonSet: daemonSetReadiness,
};

/** What its controller has not seen is not known to be ready: the counts are those of an earlier spec. */
function replicas(
  { name, generation = 0, deletionTimestamp }: KubeObject['metadata'],
  observedGeneration: number | undefined,
  { ready = 0, wanted }: { readonly ready: number | undefined; readonly wanted: number },
): Readiness {
  if (deletionTimestamp !== undefined) return { name, ready: 0, wanted, why: 'it is being deleted' };
  if ((observedGeneration ?? -1) < generation)
    return { name, ready: 0, wanted, why: 'its controller has not seen its last change yet' };
  const counted = Math.min(ready, wanted);
  return counted === wanted
    ? { name, ready: counted, wanted }
    : { name, ready: counted, wanted, why: `${counted} of ${wanted}` };
}

function conditionOf(
  status: { readonly conditions?: readonly BuiltInCondition[] } | undefined,
  type: string,
): BuiltInCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}
