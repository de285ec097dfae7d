/** The client: what goes over the wire for each verb, and one class of error for every failure. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startTestServer, type Failure, type TestServer } from '../test/server.ts';
import { fastClock } from '@chaosplane/testkit/clocks';
import { createKubeClient, type KubeClient } from './client.ts';
import { loadCluster } from './config.ts';
import { errorOfAnswer, isAlreadyExists, isConflict, isGone, KubeError } from './errors.ts';
import { configMaps, leases, nodes, pods } from './kinds.ts';

const path = '/api/v1/namespaces/shop/configmaps';
const ref = { namespace: 'shop', name: 'thing' };

let server: TestServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startTestServer();
  client = createKubeClient(server.config, { userAgent: 'test/1' });
});
afterEach(async () => server[Symbol.asyncDispose]());
const last = () => server.requests.at(-1)!;

describe('verbs', () => {
  test('an object is created, read, replaced, patched and deleted', async () => {
    const created = await client.create(configMaps, { metadata: ref, data: { a: '1' } });
    expect(created).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    expect(last().headers['user-agent']).toBe('test/1');
    expect(await client.get(configMaps, ref)).toEqual(created);
    const replaced = await client.replace(configMaps, { ...created, data: { a: '2' } });
    expect(replaced.data).toEqual({ a: '2' });
    await client.patch(configMaps, ref, { kind: 'merge', body: { data: { b: '3' } } });
    expect(last().headers['content-type']).toBe('application/merge-patch+json');
    expect((await client.get(configMaps, ref))?.data).toEqual({ a: '2', b: '3' });
    expect(await client.delete(configMaps, ref, { uid: created.metadata.uid })).toBe('deleted');
    expect(last().body).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: created.metadata.uid },
    });
    expect(await client.delete(configMaps, ref)).toBe('gone');
    expect(await client.get(configMaps, ref)).toBeUndefined();
  });

  test('server-side apply names its manager, and its version when it is conditional', async () => {
    server.store.put(path, { metadata: ref });
    const object = { metadata: { ...ref, resourceVersion: '1' }, data: { a: '1' } };
    const options = { fieldManager: 'test', force: true, subresource: 'status' } as const;
    await expect(client.apply(configMaps, object, options)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(last()).toMatchObject({ method: 'PATCH', path: `${path}/thing/status` });
    expect(last().headers['content-type']).toBe('application/apply-patch+yaml');
    expect(String(last().query)).toBe('fieldManager=test&force=true');
    expect(last().body).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: '1' } });
  });

  test('paths are those of the kind, with names that cannot leave their place', async () => {
    await client.get(nodes, { name: 'a/../b' });
    expect(last().path).toBe('/api/v1/nodes/a%2F..%2Fb');
    await client.list(leases, { namespace: 'shop', labelSelector: 'a in (b,c)', limit: 5 });
    expect(last().path).toBe('/apis/coordination.k8s.io/v1/namespaces/shop/leases');
    expect(last().query.get('labelSelector')).toBe('a in (b,c)');
  });

  test('a request without a name or a namespace is not sent', async () => {
    await expect(client.delete(pods, { namespace: 'shop', name: '' })).rejects.toThrow('without a name');
    await expect(client.get(pods, { name: 'web' })).rejects.toThrow('needs a namespace');
    await expect(client.create(pods, { metadata: { name: 'web' } })).rejects.toThrow('needs a namespace');
    await expect(client.get(nodes, ref)).rejects.toThrow('have no namespace');
    expect(server.requests).toHaveLength(0);
  });
});

describe('failures', () => {
  const table: [Failure, number, string][] = [
    [{ kind: 'status', status: 400 }, 400, 'INVALID_ARGUMENT'],
    [{ kind: 'status', status: 401 }, 401, 'UNAUTHENTICATED'],
    [{ kind: 'status', status: 403 }, 403, 'PERMISSION_DENIED'],
    [{ kind: 'status', status: 409 }, 409, 'ABORTED'],
    [{ kind: 'status', status: 410 }, 410, 'ABORTED'],
    [{ kind: 'status', status: 422 }, 422, 'INVALID_ARGUMENT'],
    [{ kind: 'status', status: 500 }, 500, 'UNAVAILABLE'],
    [{ kind: 'status', status: 502, html: true }, 502, 'UNAVAILABLE'],
    [{ kind: 'status', status: 504 }, 504, 'DEADLINE_EXCEEDED'],
    [{ kind: 'reset' }, 0, 'UNAVAILABLE'],
    [{ kind: 'garbage' }, 0, 'UNAVAILABLE'],
  ];
  test.each(table)('%j is a KubeError of status %d, %s, that names its request', async (failure, status, code) => {
    server.misbehave('write', failure);
    const error: unknown = await client.create(configMaps, { metadata: ref }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({ status, code });
    expect((error as Error).message).toContain(`POST ${path}`);
    expect((error as Error).message).not.toContain('\n');
  });

  test('they are told apart', async () => {
    await client.create(configMaps, { metadata: ref });
    const twice: unknown = await client.create(configMaps, { metadata: ref }).catch((e: unknown) => e);
    expect([isAlreadyExists(twice), isConflict(twice), isGone(twice)]).toEqual([true, false, false]);
    expect(twice).toMatchObject({ code: 'ALREADY_EXISTS' });
    const other: unknown = await client.delete(configMaps, ref, { uid: 'other' }).catch((e: unknown) => e);
    expect([isAlreadyExists(other), isConflict(other)]).toEqual([false, true]);
  });

  test('a server that asks to be left alone says for how long', async () => {
    server.misbehave('get', { kind: 'status', status: 429, retryAfter: 7 });
    await expect(client.get(configMaps, ref)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 7000 });
  });

  test('a refusal names its causes', () => {
    const causes = [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods' }];
    const status = { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'no', details: { causes } };
    expect(errorOfAnswer('POST /x', 429, status)).toMatchObject({ causes, message: 'POST /x: 429: no' });
    expect(errorOfAnswer('POST /x', 500, { ...status, details: { causes: null } }).causes).toEqual([]);
    expect(errorOfAnswer('POST /x', 502, '<html>').causes).toEqual([]);
  });

  test('a refusal is thrown in the words of who asks; a 404 that becomes another error is one, for get as well', async () => {
    const worded = createKubeClient(server.config, {
      refusal: ({ status }, { method, path: asked }) => new Error(`${status} for ${method} ${asked}`),
    });
    await expect(worded.get(configMaps, ref)).rejects.toThrow(`404 for GET ${path}/thing`);
    await expect(worded.delete(configMaps, ref)).rejects.toThrow(`404 for DELETE ${path}/thing`);
    const watch = worded.watch(configMaps, { resourceVersion: '0', signal: new AbortController().signal });
    server.misbehave('watch', { kind: 'status', status: 403 });
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toThrow('403 for GET');
  });

  test('a server that does not answer in time, or is not there', async () => {
    const impatient = createKubeClient(server.config, { timeoutMs: 30_000, clock: fastClock(1000) });
    server.misbehave('get', { kind: 'hang' });
    const late = { code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('30000 ms') };
    await expect(impatient.get(configMaps, ref)).rejects.toMatchObject(late);
    const config = { ...server.config, server: 'http://127.0.0.1:1' };
    const absent = createKubeClient(config).get(configMaps, ref);
    await expect(absent).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('credentials that never come do not hold a request for ever', async () => {
    const config = { ...server.config, credentials: () => new Promise<never>(() => undefined) };
    const stuck = createKubeClient(config, { timeoutMs: 1000, clock: fastClock(100) });
    await expect(stuck.get(configMaps, ref)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('an abort ends a request with its own reason', async () => {
    const reason = new Error('enough');
    await expect(client.get(configMaps, ref, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    server.misbehave('get', { kind: 'hang' });
    const controller = new AbortController();
    const asking = client.get(configMaps, ref, { signal: controller.signal });
    await server.arrived('get', 1);
    controller.abort(reason);
    await expect(asking).rejects.toBe(reason);
  });

  test('a read on a kept connection that was closed is asked again, a write is not', async () => {
    await client.create(configMaps, { metadata: ref });
    server.misbehave('get', { kind: 'reset' });
    expect(await client.get(configMaps, ref)).toBeDefined();
    server.misbehave('write', { kind: 'reset' });
    await expect(client.delete(configMaps, ref)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await client.get(configMaps, ref)).toBeDefined();
  });
});

describe('a kubeconfig', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'kube-test-'))));
  afterEach(() => rm(folder, { recursive: true }));

  const kubeconfig = async (extra: object = {}): Promise<string> => {
    const file = join(folder, 'config');
    const content = {
      clusters: [{ name: 'here', cluster: { server: `${server.config.server}/` } }],
      users: [{ name: 'me', user: { token: 'secret\n' } }],
      contexts: [
        { name: 'one', context: { cluster: 'here', user: 'me' } },
        { name: 'two', context: { cluster: 'here', user: 'me', namespace: 'shop' } },
        { name: 'broken', context: { cluster: 'elsewhere', user: 'me' } },
      ],
      'current-context': 'one',
      ...extra,
    };
    await writeFile(file, JSON.stringify(content));
    return file;
  };

  test('says where, as which user and in which namespace', async () => {
    const file = await kubeconfig();
    const one = createKubeClient(loadCluster({ kubeconfig: file }));
    await one.list(pods);
    expect(one.namespace).toBe('default');
    expect(last()).toMatchObject({ path: '/api/v1/pods', headers: { authorization: 'Bearer secret' } });
    expect(loadCluster({ kubeconfig: file, context: 'two' }).namespace).toBe('shop');
  });

  test('that names a file with a token, as in a pod, follows the file when the token is rotated', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'first\n');
    // How client-node describes the service account of a pod; it reads the file again after a minute.
    const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
    const pod = createKubeClient(loadCluster({ kubeconfig: await kubeconfig({ users: [{ name: 'me', user }] }) }));
    await pod.list(pods);
    expect(last().headers.authorization).toBe('Bearer first');
    await writeFile(tokenFile, 'second\n');
    const times = ['nextTick', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout', 'performance'] as const;
    jest.useFakeTimers({ now: Date.now() + 61_000, doNotFake: [...times] });
    await pod.list(pods).finally(() => jest.useRealTimers());
    expect(last().headers.authorization).toBe('Bearer second');
  });

  test('that is not there, or has no such context, is refused with what there is', async () => {
    expect(() => loadCluster({ kubeconfig: join(folder, 'none') })).toThrow(/cannot be read.*ENOENT/);
    const file = await kubeconfig();
    expect(() => loadCluster({ kubeconfig: file, context: 'three' })).toThrow(
      'no whole context three; it has: one, two',
    );
    expect(() => loadCluster({ kubeconfig: file, context: 'broken' })).toThrow('no whole context broken');
  });
});
