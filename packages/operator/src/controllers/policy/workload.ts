/** What keeps a pod running, and how many pods that should have, as far as the cluster tells. */
import { ChaosError } from '@chaosplane/common';
import { workloadName, type PolicyTarget, type WorkloadRef } from '@chaosplane/lifecycle';
import {
  type DaemonSet,
  type Deployment,
  type Indexer,
  type KubeObject,
  type Pod,
  type ReplicaSet,
  type StatefulSet,
} from '@chaosplane/kube';

/** Copies of what keeps pods running. */
export interface WorkloadCaches {
  readonly pods: Indexer<Pod>;
  readonly replicaSets: Indexer<ReplicaSet>;
  readonly deployments: Indexer<Deployment>;
  readonly statefulSets: Indexer<StatefulSet>;
  readonly daemonSets: Indexer<DaemonSet>;
}

/** How the pods of workloads are found. */
export interface Workloads {
  of(pod: Pod): WorkloadRef;
  podsOn(node: string): readonly Pod[];
  /** The names of the workloads of which pods are hit by these targets, as far as they are known. */
  hitBy(targets: readonly PolicyTarget[]): ReadonlySet<string>;
  /** Its pods, also those that have ended. */
  podsOf(ref: WorkloadRef): readonly Pod[];
  /** Undefined where that is not known: of a controller of another kind, or of one that is gone. */
  desired(ref: WorkloadRef): number | undefined;
}

const CONTROLLED = 'controlled';
const ON_NODE = 'on node';

/** Adds its indexes to the caches. */
export function createWorkloads(caches: WorkloadCaches): Workloads {
  const { pods, replicaSets, deployments, statefulSets, daemonSets } = caches;
  pods.addIndex(CONTROLLED, (pod) => [workloadName(controllerOf(pod) ?? asBare(pod))]);
  replicaSets.addIndex(CONTROLLED, (set) => {
    const owner = controllerOf(set);
    return owner === undefined ? [] : [workloadName(owner)];
  });
  pods.addIndex(ON_NODE, ({ spec }) => (spec?.nodeName === undefined ? [] : [spec.nodeName]));
  const podsOn = (node: string): readonly Pod[] => pods.byIndex(ON_NODE, node);
  const of = (pod: Pod): WorkloadRef => {
    const owner = controllerOf(pod) ?? asBare(pod);
    if (owner.kind !== 'ReplicaSet') return owner;
    const set = synced(replicaSets).get(owner);
    return (set === undefined ? undefined : controllerOf(set)) ?? owner;
  };
  const controlled = (ref: WorkloadRef): readonly Pod[] => pods.byIndex(CONTROLLED, workloadName(ref));
  return {
    of,
    podsOn,
    hitBy(targets) {
      if (!replicaSets.synced) return new Set();
      const hit = targets.flatMap(({ namespace, name }) =>
        namespace === '' ? podsOn(name) : (pods.get({ namespace, name }) ?? []),
      );
      return new Set(hit.map((pod) => workloadName(of(pod))));
    },
    podsOf(ref) {
      const sets = synced(replicaSets).byIndex(CONTROLLED, workloadName(ref));
      return [...controlled(ref), ...sets.flatMap((set) => controlled(refOfSet(set)))];
    },
    desired(ref) {
      switch (ref.kind) {
        case 'Deployment':
          return replicasOf(synced(deployments).get(ref));
        case 'StatefulSet':
          return replicasOf(synced(statefulSets).get(ref));
        case 'ReplicaSet':
          return replicasOf(synced(replicaSets).get(ref));
        case 'DaemonSet':
          return synced(daemonSets).get(ref)?.status?.desiredNumberScheduled;
        case 'Pod':
          return 1;
        // A Job has no number of pods that must be there: those that it has count.
        case 'Job':
          return controlled(ref).filter(({ status }) => !hasEnded(status?.phase)).length;
        default:
          return undefined;
      }
    },
  };
}

/** A pod in one of these phases does not come back. */
export function hasEnded(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/**
 * The cache, whole.
 * @throws ChaosError UNAVAILABLE where the API server has not told it.
 */
export function synced<T extends KubeObject>(indexer: Indexer<T>): Indexer<T> {
  if (indexer.synced) return indexer;
  throw new ChaosError('UNAVAILABLE', `the ${indexer.name} are not known: may the operator list them?`);
}

/** The API server fills 1 in where a spec has none. */
export function replicasOf(object: Deployment | StatefulSet | ReplicaSet | undefined): number | undefined {
  return object === undefined ? undefined : (object.spec?.replicas ?? 1);
}

function controllerOf({ metadata }: KubeObject): WorkloadRef | undefined {
  const { namespace = '', ownerReferences = [] } = metadata;
  const owner = ownerReferences.find(({ controller }) => controller === true);
  return owner === undefined ? undefined : { kind: owner.kind, namespace, name: owner.name };
}

function asBare({ metadata: { namespace = '', name } }: Pod): WorkloadRef {
  return { kind: 'Pod', namespace, name };
}

function refOfSet({ metadata: { namespace = '', name } }: ReplicaSet): WorkloadRef {
  return { kind: 'ReplicaSet', namespace, name };
}
