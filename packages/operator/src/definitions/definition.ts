/** A resource definition, with the fields that are read of it. */
import { resourceType, type BuiltInCondition, type KubeObject } from '@chaosplane/kube';

/**
 * A structural schema: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema.
 * What is not named here is carried along.
 */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly default?: unknown;
  readonly [other: string]: unknown;
}

/** One version of a kind, in a definition. */
export interface DefinedVersion {
  readonly name: string;
  readonly served: boolean;
  /** Whether objects are stored in this version; true of exactly one. */
  readonly storage: boolean;
  readonly schema?: { readonly openAPIV3Schema?: Schema };
}

export interface Definition extends KubeObject {
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly DefinedVersion[];
  };
  readonly status?: { readonly conditions?: readonly BuiltInCondition[] };
}

export const customResourceDefinitions = resourceType<Definition>({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
});
