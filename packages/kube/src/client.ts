/** Typed requests to the API server: one function per verb, JSON over HTTP. */
import { type Clock, defined, type Logger, systemClock } from '@chaosplane/common';
import type { ClusterConfig } from './cluster-config.ts';
import { isNotFound } from './errors.ts';
import {
  collectionPath,
  objectPath,
  refOf,
  requireNamespace,
  type KubeObject,
  type ObjectRef,
  type ResourceType,
} from './object.ts';
import type { Abortable, Created, KubeClient, ListOptions, WatchOptions } from './requests.ts';
import { createTransport, type HttpRequest, type Refusal } from './transport.ts';
import { streamEvents } from './watch.ts';

export type * from './requests.ts';
export type { WatchEvent } from './watch.ts';

export interface ClientParts {
  /** Each request at debug. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly userAgent?: string;
  /** The deadline of each request (of the first byte, for a watch). Default 30000. */
  readonly timeoutMs?: number;
  /** How long after its timeoutSeconds a watch that the server did not end is cut. Default 10000. */
  readonly watchMarginMs?: number;
  /** Puts refusals into other words; a 404 that becomes another error is thrown, also by `get` and `delete`. */
  readonly refusal?: Refusal;
}

/** A client; it connects with the first request. */
export function createKubeClient(config: ClusterConfig, parts: ClientParts = {}): KubeClient {
  const { logger, clock = systemClock, userAgent = 'controller', timeoutMs = 30_000, watchMarginMs = 10_000 } = parts;
  const { refusal } = parts;
  const transport = createTransport(config, { clock, userAgent, timeoutMs, ...defined({ refusal }) });

  const ask: Ask = async (request) => {
    const started = clock.monotonic();
    try {
      return await transport.ask(request);
    } finally {
      const { method, path } = request;
      logger?.debug({ method, path, ms: Math.round(clock.monotonic() - started) }, 'asked the api server');
    }
  };
  return {
    namespace: config.namespace,
    ...readsOf(ask),
    watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions) {
      const { namespace, timeoutSeconds = 300, opened, signal, ...selection } = options;
      const query = { ...selection, watch: true, allowWatchBookmarks: true, timeoutSeconds };
      const request = { method: 'GET', path: collectionPath(type, namespace), query, signal };
      const lifetimeMs = timeoutSeconds * 1000 + watchMarginMs;
      return streamEvents<T>(transport, request, { clock, lifetimeMs, opened });
    },
    ...writesOf(ask),
    raw: (method, path, body, { query, contentType, signal } = {}) =>
      ask({ method, path, ...defined({ query, body, contentType }), signal }),
  };
}

type Ask = (request: HttpRequest) => Promise<unknown>;

/** The verbs that read, once. */
function readsOf(ask: Ask): Pick<KubeClient, 'get' | 'list'> {
  return {
    async get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, { signal }: Abortable = {}) {
      try {
        return (await ask({ method: 'GET', path: objectPath(type, ref), signal })) as T;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },

    async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}) {
      const { namespace, signal, ...query } = options;
      const answer = await ask({ method: 'GET', path: collectionPath(type, namespace), query: { ...query }, signal });
      const { items, metadata } = answer as ListAnswer<T>;
      const { apiVersion, kind } = type;
      const more = metadata?.continue ?? '';
      return {
        items: (items ?? []).map((item) => ({ ...item, apiVersion, kind })),
        resourceVersion: metadata?.resourceVersion ?? '',
        ...(more === '' ? {} : { continue: more }),
      };
    },
  };
}

/** The verbs that change something. */
function writesOf(ask: Ask): Pick<KubeClient, 'create' | 'replace' | 'apply' | 'patch' | 'delete'> {
  const write = async <T>(request: HttpRequest): Promise<T> => (await ask(request)) as T;
  return {
    async create<T extends KubeObject>(
      type: ResourceType<T>,
      object: Created<T>,
      { dryRun, signal }: Abortable & { readonly dryRun?: boolean | undefined } = {},
    ) {
      const { name = '', namespace } = object.metadata ?? {};
      requireNamespace(type, { name, ...defined({ namespace }) });
      const path = collectionPath(type, namespace);
      const query = { dryRun: dryRun === true ? 'All' : undefined };
      return write<T>({ method: 'POST', path, query, body: withKind(type, object), signal });
    },

    replace: (type, object, { subresource, signal } = {}) =>
      write({
        method: 'PUT',
        path: objectPath(type, refOf(object), subresource),
        body: withKind(type, object),
        signal,
      }),

    apply: (type, object, { fieldManager, force, subresource, signal }) =>
      write({
        method: 'PATCH',
        path: objectPath(type, refOf(object), subresource),
        query: { fieldManager, force },
        body: withKind(type, object),
        contentType: 'application/apply-patch+yaml',
        signal,
      }),

    patch: (type, ref, patch, { subresource, fieldManager, signal } = {}) =>
      write({
        method: 'PATCH',
        path: objectPath(type, ref, subresource),
        query: { fieldManager },
        body: patch.kind === 'json' ? patch.operations : patch.body,
        contentType: `application/${patch.kind === 'json' ? 'json' : 'merge'}-patch+json`,
        signal,
      }),

    async delete(type, ref, { uid, resourceVersion, gracePeriodSeconds, propagationPolicy, signal } = {}) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds,
        propagationPolicy,
        ...(uid === undefined && resourceVersion === undefined ? {} : { preconditions: { uid, resourceVersion } }),
      };
      try {
        await ask({ method: 'DELETE', path: objectPath(type, ref), body, signal });
        return 'deleted';
      } catch (error) {
        if (isNotFound(error)) return 'gone';
        throw error;
      }
    },
  };
}

interface ListAnswer<T> {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

function withKind<T extends KubeObject>({ apiVersion, kind }: ResourceType<T>, object: object): object {
  return { ...object, apiVersion, kind };
}
