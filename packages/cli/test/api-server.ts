/** A stand-in for an API server whose operator is the test: objects by their paths, watches, and refusals. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An object, as it is stored. */
export interface Stored {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly status?: object;
}

/** What the server says instead of doing what it was asked for: a Status, or the text of a handler that is not there. */
export type Refused = (
  method: string,
  path: string,
) => { readonly code: number; readonly body: object | string } | undefined;

export interface ApiServer extends AsyncDisposable {
  readonly kubeconfig: string;
  get(path: string): Stored | undefined;
  /** Writes an object, or changes some of its fields, and tells watches. */
  set(path: string, fields: object): void;
  /** Resolves at the first watch. */
  watched(): Promise<unknown>;
}

/** Serves on a free port of the loopback. */
export async function startApiServer(refused: Refused = () => undefined): Promise<ApiServer> {
  const objects = new Map<string, Stored>();
  const watches = new Set<ServerResponse>();
  const firstWatch = Promise.withResolvers<ServerResponse>();
  let version = 0;
  const set = (path: string, fields: object): Stored => {
    version += 1;
    const before = objects.get(path);
    const metadata = {
      ...{ uid: `u-${version}`, ...before?.metadata, name: path.split('/').at(-1) ?? '', namespace: 'shop' },
      ...(fields as Partial<Stored>).metadata,
      resourceVersion: String(version),
    };
    const object = { ...before, ...fields, metadata };
    objects.set(path, object);
    const event = { type: before === undefined ? 'ADDED' : 'MODIFIED', object };
    for (const watch of watches) watch.write(`${JSON.stringify(event)}\n`);
    return object;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method ?? 'GET';
    const say = (code: number, body: object | string): void =>
      void response.writeHead(code).end(typeof body === 'string' ? body : JSON.stringify(body));
    const body = await bodyOf(request);
    const refusal = refused(method, path);
    if (refusal !== undefined) {
      say(refusal.code, refusal.body);
      return;
    }
    if (searchParams.get('watch') === 'true') {
      response.writeHead(200).flushHeaders();
      watches.add(response.once('close', () => watches.delete(response)));
      firstWatch.resolve(response);
      return;
    }
    if (method === 'PATCH') {
      say(200, set(path, body));
      return;
    }
    const object = objects.get(path);
    if (method === 'DELETE') objects.delete(path);
    if (object !== undefined) {
      say(200, object);
      return;
    }
    const withoutNamespace = (each: string): string => each.replace(/namespaces\/[^/]+\//, '');
    const inside = [...objects].flatMap(([each, one]) =>
      [each, withoutNamespace(each)].some((name) => name.startsWith(`${path}/`)) ? [one] : [],
    );
    if (method === 'GET' && path.endsWith('s')) {
      say(200, { items: inside, metadata: { resourceVersion: `${version}` } });
      return;
    }
    say(404, { kind: 'Status', code: 404, reason: 'NotFound', message: `${path} not found`, details: { name: 'it' } });
  };
  const server = http.createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-api-'));
  const kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, kubeconfigOf((server.address() as AddressInfo).port));
  return {
    kubeconfig,
    get: (path) => objects.get(path),
    set,
    watched: () => firstWatch.promise,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await rm(folder, { recursive: true });
    },
  };
}

const kubeconfigOf = (port: number): string =>
  JSON.stringify({
    clusters: [{ name: 'here', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'ann', user: { token: 'secret' } }],
    contexts: [{ name: 'test', context: { cluster: 'here', user: 'ann', namespace: 'shop' } }],
    'current-context': 'test',
  });

async function bodyOf(request: IncomingMessage): Promise<object> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? {} : (JSON.parse(text) as object);
}
