/** What every Kubernetes object has in common, and what is known of a kind. */
import { ChaosError } from '@chaosplane/common/pure';

/** Who owns an object; the garbage collector deletes it after its owners. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Which program wrote some of the fields, and when it changed them last. */
export interface ManagedFields {
  readonly manager?: string;
  readonly time?: string;
  /** `status`; absent: the object itself. */
  readonly subresource?: string;
}

/** Metadata as the API server gives it; times are RFC 3339. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  /** Not in the copies of informers. */
  readonly managedFields?: readonly ManagedFields[];
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

/** Any object. Items of a list have their apiVersion and kind too, although the API server leaves them out. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** What is known of a kind; T is what its objects look like and exists for the compiler only. */
export interface ResourceType<T extends KubeObject> {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** As in the path: `pods`. */
  readonly plural: string;
  readonly namespaced: boolean;
  readonly _?: T;
}

/** Names a kind, once, with the type of its objects. */
export function resourceType<T extends KubeObject>(parts: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}): ResourceType<T> {
  return parts;
}

/** Which object; the namespace is absent for kinds that have none. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string;
}

/** The reference of an object. */
export function refOf(object: { readonly metadata: Pick<ObjectMeta, 'name' | 'namespace'> }): ObjectRef {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? { name } : { name, namespace };
}

/** `namespace/name`, or `name` alone; what work queues and caches are keyed by. */
export function keyOf({ name, namespace }: ObjectRef): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The reference that `keyOf` made a key of. */
export function refOfKey(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/**
 * The beginning of a name, for one that is made of it by adding `-…` or `.…`. A DNS subdomain is the name of most objects
 * (RFC 1123), so a dot or a dash in front of the addition would make a label that no object may have.
 */
export function shortName(name: string, longest: number): string {
  return name.slice(0, longest).replace(/[.-]+$/, '');
}

/** `pods`, `leases.coordination.k8s.io`: as people and logs call a kind. */
export function resourceName<T extends KubeObject>({ apiVersion, plural }: ResourceType<T>): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? plural : `${plural}.${apiVersion.slice(0, slash)}`;
}

/**
 * The path of a kind's objects in the API, all namespaces when none is given.
 * @throws ChaosError INVALID_ARGUMENT for a namespace where the kind has none.
 */
export function collectionPath<T extends KubeObject>(type: ResourceType<T>, namespace?: string): string {
  const group = type.apiVersion.includes('/') ? `/apis/${type.apiVersion}` : `/api/${type.apiVersion}`;
  if (namespace === undefined) return `${group}/${type.plural}`;
  if (!type.namespaced) {
    throw new ChaosError('INVALID_ARGUMENT', `${resourceName(type)} have no namespace, but ${namespace} was given`);
  }
  return `${group}/namespaces/${encodeURIComponent(namespace)}/${type.plural}`;
}

/**
 * The path of one object, or of a part of it such as `status`.
 * @throws ChaosError INVALID_ARGUMENT when the name, or the namespace of a namespaced kind, is missing.
 */
export function objectPath<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, subresource?: string): string {
  // Without a name this would be the path of the whole collection, and a delete would empty it.
  if (ref.name === '') throw new ChaosError('INVALID_ARGUMENT', `a ${type.kind} without a name cannot be asked for`);
  requireNamespace(type, ref);
  const path = `${collectionPath(type, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** @throws ChaosError INVALID_ARGUMENT when the kind has namespaces and none is given. */
export function requireNamespace<T extends KubeObject>(type: ResourceType<T>, { name, namespace }: ObjectRef): void {
  if (type.namespaced && (namespace === undefined || namespace === '')) {
    throw new ChaosError('INVALID_ARGUMENT', `${type.kind} ${name} needs a namespace`);
  }
}
