/** An API server in memory for tests: lists in pages, watches with bookmarks, optimistic concurrency – and it misbehaves when told to. */
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterConfig } from '../src/cluster-config.ts';
import type { KubeObject } from '../src/object.ts';
import { createStore, isCollection, StoreError, type Store } from './store.ts';

/** What goes wrong with one request. */
export type Failure =
  /** Nothing: this one goes well. */
  | { readonly kind: 'none' }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number; readonly html?: boolean }
  /** Accepts, and never answers. */
  | { readonly kind: 'hang' }
  /** Closes the connection without an answer. */
  | { readonly kind: 'reset' }
  /** Does what was asked, but closes before it says so. */
  | { readonly kind: 'mute' }
  /** Answers 200 and then not JSON. */
  | { readonly kind: 'garbage' }
  /** A watch sends so many events, then half of one, and the connection ends: abruptly, or in order. */
  | { readonly kind: 'half'; readonly after: number; readonly orderly?: boolean }
  /** A watch sends its headers and then nothing, ever. */
  | { readonly kind: 'stall' }
  /** A watch ends at once, in order, without an event. */
  | { readonly kind: 'empty' }
  /** A watch tells everything twice, and begins with what it told before. */
  | { readonly kind: 'twice' }
  /** A watch says that the version is too old: as an ERROR event. */
  | { readonly kind: 'expired' };

/** A request as it arrived. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: unknown;
}

export interface TestServer extends AsyncDisposable {
  readonly config: ClusterConfig;
  readonly store: Store;
  readonly requests: readonly Seen[];
  /** The next requests of this sort go wrong, in this order. */
  misbehave(sort: Sort, ...failures: Failure[]): void;
  /** Resolves when so many requests of this sort have arrived since the start. */
  arrived(sort: Sort, count: number): Promise<void>;
  /** Cuts every watch that is open, without a word. */
  cutWatches(): void;
  /** Ends every watch that is open, in order. */
  endWatches(): void;
  /** Tells every open watch where it is. */
  bookmark(): void;
  readonly openWatches: number;
}

export type Sort = 'list' | 'watch' | 'get' | 'write';

interface OpenWatch {
  readonly answer: ServerResponse;
  readonly unsubscribe: () => void;
}

/** Serves on a free port of the loopback. */
export async function startTestServer(): Promise<TestServer> {
  const store = createStore();
  const requests: Seen[] = [];
  const planned = new Map<Sort, Failure[]>();
  const watches = new Set<OpenWatch>();
  const counts = new Map<Sort, number>();
  const waiters = new Set<() => void>();

  const handle = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const seen: Seen = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: await bodyOf(request),
    };
    requests.push(seen);
    // A bound, so that a test of memory measures the client.
    if (requests.length > 200) requests.shift();
    const sort = sortOf(seen);
    counts.set(sort, (counts.get(sort) ?? 0) + 1);
    for (const wake of waiters) wake();
    const failure = planned.get(sort)?.shift();
    if (failure !== undefined && misbehaves(failure, seen, answer, store)) return;
    if (sort === 'watch') {
      const opened = watch(seen, answer, failure, store);
      if (opened === undefined) return;
      watches.add(opened);
      answer.once('close', () => {
        opened.unsubscribe();
        watches.delete(opened);
      });
      return;
    }
    try {
      json(answer, seen.method === 'POST' ? 201 : 200, store.handle(seen));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      json(answer, error.status, statusOf(error.status, error.reason, error.message));
    }
  };

  const server = http.createServer((request, answer) => {
    handle(request, answer).catch((error: unknown) => answer.destroy(error as Error));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  return {
    config: { server: url, namespace: 'default', name: 'test', credentials: async () => ({}) },
    store,
    requests,
    misbehave: (sort, ...failures) => planned.set(sort, [...(planned.get(sort) ?? []), ...failures]),
    arrived: (sort, count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if ((counts.get(sort) ?? 0) < count) return;
          waiters.delete(look);
          resolve();
        };
        waiters.add(look);
        look();
      }),
    cutWatches: () => watches.forEach(({ answer }) => answer.socket?.destroy()),
    endWatches: () =>
      watches.forEach(({ answer, unsubscribe }) => {
        unsubscribe();
        answer.end();
      }),
    bookmark: () =>
      watches.forEach(({ answer }) => {
        const metadata = { resourceVersion: String(store.version), creationTimestamp: null };
        answer.write(`${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'Pod', apiVersion: 'v1', metadata } })}\n`);
      }),
    get openWatches() {
      return watches.size;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Does what goes wrong with a request; false when it is still to be answered. */
function misbehaves(failure: Failure, seen: Seen, answer: ServerResponse, store: Store): boolean {
  switch (failure.kind) {
    case 'status': {
      const { status, retryAfter, html } = failure;
      if (retryAfter !== undefined) answer.setHeader('retry-after', retryAfter);
      if (html === true) answer.writeHead(status, { 'content-type': 'text/html' }).end('<html>Bad\nGateway</html>');
      else json(answer, status, statusOf(status, status === 410 ? 'Expired' : 'InternalError', 'told to fail'));
      return true;
    }
    case 'hang':
      return true;
    case 'reset':
      answer.socket?.destroy();
      return true;
    case 'mute':
      store.handle(seen);
      answer.socket?.destroy();
      return true;
    case 'garbage':
      answer.writeHead(200).end('}{ this is not json\n');
      return true;
    default:
      return false;
  }
}

/** Begins to tell what happens; undefined when the watch is over, or will never say a thing. */
function watch(seen: Seen, answer: ServerResponse, failure: Failure | undefined, store: Store): OpenWatch | undefined {
  const from = Number(seen.query.get('resourceVersion') ?? 0);
  answer.writeHead(200, { 'content-type': 'application/json' });
  answer.flushHeaders();
  const say = (event: object): boolean => answer.write(`${JSON.stringify(event)}\n`);
  if (failure?.kind === 'stall') return undefined;
  if (failure?.kind === 'empty') {
    answer.end();
    return undefined;
  }
  if (failure?.kind === 'expired' || from < store.oldest) {
    say({ type: 'ERROR', object: statusOf(410, 'Expired', 'too old resource version') });
    answer.end();
    return undefined;
  }
  let left = failure?.kind === 'half' ? failure.after : Infinity;
  const twice = failure?.kind === 'twice';
  const tell = (event: { type: string; object: KubeObject }): void => {
    if (left > 0) {
      left -= 1;
      say(event);
      if (twice) say(event);
      return;
    }
    const text = JSON.stringify(event);
    const orderly = failure?.kind === 'half' && failure.orderly === true;
    left = Infinity;
    entry.unsubscribe();
    // Flushed before the end, so that the half really arrives.
    answer.write(text.slice(0, text.length / 2), () => (orderly ? answer.end() : answer.socket?.destroy()));
  };
  const entry: OpenWatch = { answer, unsubscribe: store.subscribe(seen.path, twice ? 0 : from, tell) };
  return entry;
}

function sortOf({ method, path, query }: Seen): Sort {
  if (method !== 'GET') return 'write';
  if (query.get('watch') === 'true') return 'watch';
  return isCollection(path) ? 'list' : 'get';
}

function statusOf(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

function json(answer: ServerResponse, status: number, body: unknown): void {
  answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}
