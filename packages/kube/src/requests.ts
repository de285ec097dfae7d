/** What can be asked of an API server, and with which options. */
import type { KubeObject, ObjectMeta, ObjectRef, ResourceType } from './object.ts';
import type { HttpRequest } from './transport.ts';
import type { WatchEvent } from './watch.ts';

/** What can be given up. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

/** Which objects of a kind. */
export interface Selection {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection, Abortable {
  /** At most so many items, the rest by `continue`. */
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  /** The newest state when absent; `0` is any state that the server has at hand. */
  readonly resourceVersion?: string | undefined;
}

export interface ListResult<T extends KubeObject> {
  readonly items: readonly T[];
  /** Where a watch goes on. */
  readonly resourceVersion: string;
  /** Present when there is more. */
  readonly continue?: string;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** When the server shall end the watch. Default 300. */
  readonly timeoutSeconds?: number | undefined;
  /** Called once the server has accepted the watch. */
  readonly opened?: (() => void) | undefined;
  readonly signal: AbortSignal;
}

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test' | 'move' | 'copy';
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export type Patch =
  | { readonly kind: 'json'; readonly operations: readonly JsonPatchOperation[] }
  | { readonly kind: 'merge'; readonly body: unknown };

export interface DeleteOptions extends Abortable {
  /** Deletes only the object of this uid (409 otherwise). */
  readonly uid?: string | undefined;
  /** Deletes only this version (409 otherwise). */
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
}

type DeepPartial<V> = V extends readonly (infer E)[]
  ? readonly E[]
  : V extends object
    ? { readonly [K in keyof V]?: DeepPartial<V[K]> | undefined }
    : V;

/** Some fields of an object, and which object. */
export type Applied<T extends KubeObject> = DeepPartial<Omit<T, 'metadata'>> & {
  readonly metadata: Partial<ObjectMeta> & Pick<ObjectMeta, 'name'>;
};

/** A whole object: its apiVersion and kind are those of its type. */
export type Whole<T extends KubeObject> = Omit<T, 'apiVersion' | 'kind'> & Partial<Pick<T, 'apiVersion' | 'kind'>>;

/** An object to be created; reviews have no name, and the API server makes one from generateName. */
export type Created<T extends KubeObject> = Omit<Whole<T>, 'metadata'> & {
  readonly metadata?: Partial<ObjectMeta> & { readonly generateName?: string };
};

export interface RawOptions extends Abortable {
  readonly query?: HttpRequest['query'];
  readonly contentType?: string;
}

/**
 * The API server. Every function throws a KubeError when the server refuses or cannot be reached, a ChaosError
 * INVALID_ARGUMENT when a name or namespace is missing, and the reason of its signal when that aborts. None tries again.
 */
export interface KubeClient {
  /** Of the context or of the service account; `default` else. */
  readonly namespace: string;
  /** The object, or undefined when there is none. */
  get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, options?: Abortable): Promise<T | undefined>;
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<ListResult<T>>;
  /** Changes after a resourceVersion, until the server ends the watch; every other end throws. */
  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(
    type: ResourceType<T>,
    object: Created<T>,
    options?: Abortable & { readonly dryRun?: boolean | undefined },
  ): Promise<T>;
  /** Writes the whole object; with a resourceVersion in it only over that version (409 otherwise). */
  replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: Whole<T>,
    options?: Abortable & { readonly subresource?: string | undefined },
  ): Promise<T>;
  /** Server-side apply: creates, or changes these fields. A resourceVersion in the object makes it conditional (409). */
  apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: Applied<T>,
    options: Abortable & {
      readonly fieldManager: string;
      /** Takes fields over from other managers. Default false: 409 on a conflict. */
      readonly force?: boolean | undefined;
      readonly subresource?: 'status' | 'scale' | undefined;
    },
  ): Promise<T>;
  patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Patch,
    options?: Abortable & { readonly subresource?: string | undefined; readonly fieldManager?: string | undefined },
  ): Promise<T>;
  /** `deleted` also when it only begins to be (finalizers, grace period); `gone` when there was none. */
  delete<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options?: DeleteOptions,
  ): Promise<'deleted' | 'gone'>;
  /** Any other request, such as an eviction or /version; gives the parsed answer. */
  raw(method: string, path: string, body?: unknown, options?: RawOptions): Promise<unknown>;
}
