/** What keeps pods off a node or on it: taints, tolerations and disruption budgets, with the fields that are read. */
import { resourceType, type KubeObject } from './object.ts';

/** Of one key there is one taint of each effect: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/ */
export interface Taint {
  readonly key: string;
  /** Absent or empty: it has none. */
  readonly value?: string;
  readonly effect: string;
  /** RFC 3339; for NoExecute only. */
  readonly timeAdded?: string;
}

export interface Toleration {
  /** Absent or empty, with the operator Exists: every key. */
  readonly key?: string;
  /** Absent: Equal. */
  readonly operator?: string;
  readonly value?: string;
  /** Absent or empty: every effect. */
  readonly effect?: string;
  /** For NoExecute, in seconds; absent: for ever. */
  readonly tolerationSeconds?: number;
}

export interface PodDisruptionBudget extends KubeObject {
  readonly spec?: {
    /** Empty: every pod of its namespace. Absent: none. */
    readonly selector?: {
      readonly matchLabels?: Readonly<Record<string, string>>;
      readonly matchExpressions?: readonly {
        readonly key: string;
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        readonly values?: readonly string[];
      }[];
    };
  };
}

export const podDisruptionBudgets = resourceType<PodDisruptionBudget>({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
});
