/** The objects of the test API server: versions, uids, finalizers, conflicts, and a history to watch. */
import type { KubeObject, ObjectMeta } from '../src/object.ts';

/** A refusal, as the API server words it. */
export class StoreError extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface StoredEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** An object, or what of it matters to a test. */
export interface Written {
  readonly metadata: Partial<ObjectMeta> & { readonly name: string };
  readonly [field: string]: unknown;
}

export interface Store {
  /** Answers a request that is no watch. */
  handle(request: Request): unknown;
  /** Writes an object of a collection path, as another client would. */
  put(path: string, object: Written): KubeObject;
  /** Deletes at once, regardless of the finalizers. */
  remove(path: string, name: string): void;
  /** Everything of a collection. */
  all(path: string): readonly KubeObject[];
  /** Tells what happened after a version, and then what happens. Returns how to stop it. */
  subscribe(path: string, from: number, tell: (event: StoredEvent) => void): () => void;
  /** Forgets the history, so that older versions are refused with 410. */
  compact(): void;
  readonly version: number;
  readonly oldest: number;
}

interface Recorded {
  readonly path: string;
  readonly version: number;
  readonly event: StoredEvent;
}

export function createStore(): Store {
  const objects = new Map<string, Written>();
  let history: Recorded[] = [];
  const listeners = new Map<(event: StoredEvent) => void, string>();
  let version = 100;
  let oldest = 0;
  let uids = 0;

  const happened = (type: StoredEvent['type'], path: string, object: Written): void => {
    const event = { type, object: structuredClone(object) as unknown as KubeObject };
    history.push({ path, version, event });
    for (const [tell, where] of [...listeners]) if (within(path, where)) tell(event);
  };

  const write = (path: string, object: Written): Written => {
    const key = `${path}/${object.metadata.name}`;
    const before = objects.get(key);
    version += 1;
    const metadata = {
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...object.metadata,
      uid: before?.metadata.uid ?? `uid-${(uids += 1)}`,
      resourceVersion: String(version),
      managedFields: [{ manager: 'test' }],
    };
    const after = { ...object, metadata };
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) {
      objects.delete(key);
      happened('DELETED', path, after);
    } else {
      objects.set(key, after);
      happened(before === undefined ? 'ADDED' : 'MODIFIED', path, after);
    }
    return after;
  };

  return {
    handle: (request) => answerTo(request, { objects, version, write }),
    put: (path, object) => write(path, object) as unknown as KubeObject,
    remove(path, name) {
      const object = objects.get(`${path}/${name}`);
      if (object !== undefined) {
        write(path, { ...object, metadata: { ...object.metadata, finalizers: [], deletionTimestamp: 'now' } });
      }
    },
    all: (path) =>
      [...objects].filter(([key]) => key.startsWith(`${path}/`)).map(([, one]) => one as unknown as KubeObject),
    subscribe(path, from, tell) {
      for (const { path: at, version: when, event } of history) if (when > from && within(at, path)) tell(event);
      listeners.set(tell, path);
      return () => listeners.delete(tell);
    },
    compact() {
      history = [];
      oldest = version;
    },
    get version() {
      return version;
    },
    get oldest() {
      return oldest;
    },
  };
}

type Objects = ReadonlyMap<string, Written>;

interface Parts {
  readonly objects: Objects;
  readonly version: number;
  readonly write: (path: string, object: Written) => Written;
}

function answerTo(request: Request, { objects, version, write }: Parts): unknown {
  const { method, path } = request;
  const body = request.body as Written;
  switch (method) {
    case 'GET': {
      if (isCollection(path)) return listOf(objects, version, request);
      return find(objects, path).object;
    }
    case 'POST': {
      const { name } = body.metadata;
      if (objects.has(`${path}/${name}`)) throw new StoreError(409, 'AlreadyExists', `"${name}" already exists`);
      return write(path, body);
    }
    case 'PUT': {
      const { collection, object } = find(objects, path);
      requireUnchanged(object, body.metadata);
      return write(collection, { ...body, metadata: { ...object.metadata, ...body.metadata } });
    }
    case 'PATCH': {
      const { collection, object } = find(objects, path);
      requireUnchanged(object, (body as Partial<Written>).metadata ?? {});
      return write(collection, merged(object, body) as Written);
    }
    case 'DELETE': {
      const { collection, object } = find(objects, path);
      requireUnchanged(object, (body as { preconditions?: Partial<ObjectMeta> } | undefined)?.preconditions ?? {});
      return write(collection, { ...object, metadata: { ...object.metadata, deletionTimestamp: 'now' } });
    }
    default:
      throw new StoreError(405, 'MethodNotAllowed', method);
  }
}

function find(objects: Objects, path: string): { collection: string; object: Written } {
  const [, collection = '', name = ''] = /^(.*)\/([^/]+)$/.exec(path.replace(/\/status$/, '')) ?? [];
  const object = objects.get(`${collection}/${name}`);
  if (object === undefined) throw new StoreError(404, 'NotFound', `"${name}" not found`);
  return { collection, object };
}

function requireUnchanged(object: Written, given: Partial<ObjectMeta>): void {
  const { resourceVersion, uid, name } = object.metadata;
  const other = given.resourceVersion !== undefined && given.resourceVersion !== resourceVersion;
  if (other) throw new StoreError(409, 'Conflict', `"${name}" has been modified`);
  if (given.uid !== undefined && given.uid !== uid) throw new StoreError(409, 'Conflict', `"${name}" has another uid`);
}

function listOf(objects: Objects, version: number, { path, query }: Request): object {
  const all = [...objects].filter(([key]) => within(key.slice(0, key.lastIndexOf('/')), path)).map(([, one]) => one);
  const from = Number(query.get('continue') ?? 0);
  const to = query.has('limit') ? from + Number(query.get('limit')) : all.length;
  // Items of a list have neither apiVersion nor kind.
  const items = all.slice(from, to).map(({ apiVersion: _a, kind: _k, ...rest }) => rest);
  const metadata = { resourceVersion: String(version), ...(to < all.length ? { continue: String(to) } : {}) };
  return { kind: 'List', apiVersion: 'v1', metadata, items };
}

/** Whether a collection belongs to what was asked for, which may be all namespaces. */
function within(collection: string, asked: string): boolean {
  return collection === asked || collection.replace(/\/namespaces\/[^/]+(?=\/)/, '') === asked;
}

/** Whether a path is that of a collection, not of one object. */
export function isCollection(path: string): boolean {
  return /\/namespaces\/[^/]+\/[^/]+$|^\/api\/[^/]+\/[^/]+$|^\/apis\/[^/]+\/[^/]+\/[^/]+$/.test(path);
}

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(typeof target === 'object' ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    result[key] = value === null ? undefined : merged(result[key], value);
  }
  return result;
}
