/** The built-in kinds that keep pods running, with the fields that are read. */
import type { BuiltInCondition } from './kinds.ts';
import { resourceType, type KubeObject } from './object.ts';

export interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly observedGeneration?: number; readonly readyReplicas?: number };
}

export interface ReplicaSet extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

export interface StatefulSet extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly observedGeneration?: number; readonly readyReplicas?: number };
}

export interface DaemonSet extends KubeObject {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
  };
}

export interface Job extends KubeObject {
  readonly status?: { readonly conditions?: readonly BuiltInCondition[] };
}

const apps = (kind: string, plural: string) => ({ apiVersion: 'apps/v1', kind, plural, namespaced: true });

export const deployments = resourceType<Deployment>(apps('Deployment', 'deployments'));
export const replicaSets = resourceType<ReplicaSet>(apps('ReplicaSet', 'replicasets'));
export const statefulSets = resourceType<StatefulSet>(apps('StatefulSet', 'statefulsets'));
export const daemonSets = resourceType<DaemonSet>(apps('DaemonSet', 'daemonsets'));
export const jobs = resourceType<Job>({ apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true });
