/** What policies are judged by: the pods, nodes and workloads of a cluster at one moment, and what other experiments hit. */
import type { KnownPolicy, TargetStatus } from '@chaosplane/api';

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** What is hit, or would be: a pod, or a node, which has no namespace (''). */
export type PolicyTarget = Pick<TargetStatus, 'namespace' | 'name' | 'uid'>;

/** A pod that has not ended. */
export interface PolicyPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  /** Ready, and not on its way out. */
  readonly ready: boolean;
  /** Where it runs; absent where it has no node yet. */
  readonly node?: string;
  /** What keeps it running. */
  readonly workload: WorkloadRef;
}

/** A Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or another controller; a pod without one is its own. */
export interface WorkloadRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** What keeps pods running. */
export interface Workload {
  /** How many pods it should have; undefined where that is not known. */
  readonly desired: number | undefined;
  /** Those that it has. */
  readonly pods: readonly PolicyPod[];
}

/** Another experiment that is under way. */
export interface OtherExperiment {
  /** `namespace/name`. */
  readonly name: string;
  /** How many of its targets the policy is about. */
  covered(policy: KnownPolicy): number;
}

/**
 * The cluster as it is at one moment. Every function throws a ChaosError when it is not known; a policy that asks is held to be
 * broken then.
 */
export interface ClusterFacts {
  /** Undefined: there is no such namespace. */
  namespaceLabels(name: string): Labels | undefined;
  /** Undefined: there is no such node. */
  nodeLabels(name: string): Labels | undefined;
  nodeCount(): number;
  /** Undefined: the pod is gone, or has ended. */
  pod(target: PolicyTarget): PolicyPod | undefined;
  podsOn(node: string): readonly PolicyPod[];
  workload(ref: WorkloadRef): Workload;
  /** Without the experiment that is judged. */
  others(): readonly OtherExperiment[];
  /** Whether another experiment hits the pod, or the node that it runs on. */
  isHit(pod: PolicyPod): boolean;
  /** The names of the nodes that other experiments hit. */
  nodesHit(): readonly string[];
}
