/** An informer against an API server that does everything wrong: always back in sync, every change told once. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { eventually } from '@chaosplane/testkit/eventually';
import { fastClock } from '@chaosplane/testkit/clocks';
import { startTestServer, type Failure, type TestServer } from '../test/server.ts';
import { soon } from '../test/soon.ts';
import { createKubeClient, type ClientParts } from './client.ts';
import { createInformer, type Change, type Informer, type InformerOptions } from './informer.ts';
import { pods, type Pod } from './kinds.ts';

const logger = createLogger({ level: 'silent' });
const shop = '/api/v1/namespaces/shop/pods';
/** A second lasts 10 ms, so that back-off does not take the day. */
const clock = fastClock(100);

let server: TestServer;
let ended: AbortController;
let changes: Change<Pod>[];

beforeEach(async () => {
  server = await startTestServer();
  ended = new AbortController();
  changes = [];
});
afterEach(async () => {
  ended.abort();
  await server[Symbol.asyncDispose]();
});

function informerOf(options: InformerOptions = {}, parts: ClientParts = {}): Informer<Pod> {
  const client = createKubeClient(server.config, { clock, ...parts });
  const informer = createInformer(client, pods, options, { clock, logger });
  informer.onChange((change) => changes.push(change));
  return informer;
}

function write(name: string, phase: string): void {
  server.store.put(shop, { metadata: { name, namespace: 'shop' }, status: { phase } });
}

const told = (): string[] =>
  changes.map(({ type, object }) =>
    type === 'deleted' ? `- ${object.metadata.name}` : `${object.metadata.name} ${object.status?.phase ?? ''}`,
  );

/** Whether the copy is what the server has. */
async function inSync(informer: Informer<Pod>): Promise<void> {
  const versions = (all: readonly { metadata: { name: string; resourceVersion?: string } }[]) =>
    all.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion ?? ''}`).toSorted();
  const there = versions(server.store.all(shop)).join(' ');
  await eventually('the informer has what the server has', () => versions(informer.list()).join(' '), {
    ...soon,
    is: (here) => here === there,
  });
}

describe('a copy', () => {
  test('is whole after start, also when it comes in pages, and its objects say their kind', async () => {
    for (let i = 0; i < 25; i += 1) write(`pod-${i}`, 'Running');
    // On a busy machine a page takes longer than a client of this clock waits, and would be asked for twice.
    const informer = informerOf({ pageSize: 10 }, { timeoutMs: 600_000 });
    expect(informer.synced).toBe(false);
    await informer.start(ended.signal);
    expect(informer.synced).toBe(true);
    expect(informer.list()).toHaveLength(25);
    expect(server.requests.filter(({ query }) => query.has('limit'))).toHaveLength(3);
    const pod = informer.get({ namespace: 'shop', name: 'pod-7' });
    expect(pod).toMatchObject({ apiVersion: 'v1', kind: 'Pod', status: { phase: 'Running' } });
  });

  test('begins again with one large page when the pages expire on the way', async () => {
    for (let i = 0; i < 25; i += 1) write(`pod-${i}`, 'Running');
    const informer = informerOf({ pageSize: 10 });
    server.misbehave('list', { kind: 'none' }, { kind: 'status', status: 410 });
    await informer.start(ended.signal);
    expect(informer.list()).toHaveLength(25);
    expect(server.requests.map(({ query }) => query.get('limit'))).toEqual(['10', '10', null]);
    expect(informer.restarts).toBe(0);
  });

  test('tells what is added, updated and deleted, in order, with the state before', async () => {
    write('web', 'Pending');
    const informer = informerOf();
    await informer.start(ended.signal);
    write('web', 'Running');
    write('db', 'Pending');
    server.store.remove(shop, 'web');
    await eventually('four changes were told', () => changes.length, { ...soon, is: (n) => n === 4 });
    expect(told()).toEqual(['web Pending', 'web Running', 'db Pending', '- web']);
    expect(changes[1]!.previous?.status?.phase).toBe('Pending');
    expect(informer.get({ namespace: 'shop', name: 'web' })).toBeUndefined();
  });

  test('cannot be changed by those who read it', async () => {
    write('web', 'Running');
    const informer = informerOf();
    await informer.start(ended.signal);
    write('db', 'Running');
    await inSync(informer);
    for (const pod of informer.list()) {
      const writable = pod as unknown as { status: { phase: string }; metadata: { labels?: object } };
      expect(() => (writable.status.phase = 'Failed')).toThrow(TypeError);
      expect(() => (writable.metadata.labels = {})).toThrow(TypeError);
      expect(pod.metadata).not.toHaveProperty('managedFields');
    }
    (informer.list() as Pod[]).length = 0;
    expect(informer.list()).toHaveLength(2);
  });

  test('finds by an index, which follows every change', async () => {
    const put = (name: string, nodeName: string) =>
      server.store.put(shop, { metadata: { name, namespace: 'shop' }, spec: { nodeName } });
    put('a', 'node-1');
    put('b', 'node-1');
    const informer = informerOf();
    informer.addIndex('node', ({ spec }) => (spec?.nodeName === undefined ? [] : [spec.nodeName]));
    await informer.start(ended.signal);
    const on = (node: string) => informer.byIndex('node', node).map(({ metadata }) => metadata.name);
    expect(on('node-1')).toEqual(['a', 'b']);
    put('a', 'node-2');
    server.store.remove(shop, 'b');
    await inSync(informer);
    expect([on('node-1'), on('node-2'), on('node-3')]).toEqual([[], ['a'], []]);
  });

  test('tells a late handler what is there, and one that throws hurts no other', async () => {
    write('web', 'Running');
    const informer = informerOf();
    await informer.start(ended.signal);
    informer.onChange(() => {
      throw new Error('a defect');
    });
    const late: string[] = [];
    const leave = informer.onChange(({ object }) => late.push(object.metadata.name));
    write('db', 'Running');
    await inSync(informer);
    leave();
    write('cache', 'Running');
    await inSync(informer);
    expect(late).toEqual(['web', 'db']);
    expect(told()).toEqual(['web Running', 'db Running', 'cache Running']);
  });

  test('gives up waiting for the first list when its signal aborts', async () => {
    server.misbehave('list', { kind: 'hang' });
    const reason = new Error('enough');
    const starting = informerOf().start(ended.signal);
    await server.arrived('list', 1);
    ended.abort(reason);
    await expect(starting).rejects.toBe(reason);
  });
});

describe('a server that misbehaves', () => {
  const watchMischief: [string, Failure][] = [
    ['answers a watch with 500', { kind: 'status', status: 500 }],
    ['answers with a page of a proxy', { kind: 'status', status: 502, html: true }],
    ['asks to be left alone for a second', { kind: 'status', status: 429, retryAfter: 1 }],
    ['says that the version is too old', { kind: 'status', status: 410 }],
    ['says so in the stream', { kind: 'expired' }],
    ['closes before the headers', { kind: 'reset' }],
    ['hangs before the headers', { kind: 'hang' }],
    ['says nothing after the headers', { kind: 'stall' }],
    ['sends garbage', { kind: 'garbage' }],
    ['ends watches at once', { kind: 'empty' }],
    ['closes in the middle of the first event', { kind: 'half', after: 0 }],
    ['closes in the middle of a later event', { kind: 'half', after: 2 }],
    ['ends in order in the middle of an event', { kind: 'half', after: 1, orderly: true }],
    ['tells everything twice, from the beginning', { kind: 'twice' }],
  ];

  test.each(watchMischief)('%s: every change is told once, in order', async (_, failure) => {
    write('web', 'Pending');
    const informer = informerOf({ watchSeconds: 20 }, { timeoutMs: 10_000 });
    server.misbehave('watch', failure, failure);
    await informer.start(ended.signal);
    await server.arrived('watch', 1);
    const expected = ['web Pending'];
    for (let i = 0; i < 6; i += 1) {
      write('web', `phase-${i}`);
      write(`extra-${i}`, 'Running');
      server.store.remove(shop, `extra-${i}`);
      expected.push(`web phase-${i}`, `extra-${i} Running`, `- extra-${i}`);
    }
    await inSync(informer);
    // A copy that was too old sees the end of each object's story only; one that was not sees all of it.
    const lists = server.requests.filter(({ query }) => query.has('limit')).length;
    if (lists === 1) expect(told()).toEqual(expected);
    else expect(told().findLast((line) => line.startsWith('web'))).toBe('web phase-5');
    expect(new Set(changes.map((c) => `${c.type} ${c.object.metadata.resourceVersion ?? ''}`)).size).toBe(
      changes.length,
    );
  });

  test('answers the first list with errors: start waits and succeeds', async () => {
    write('web', 'Running');
    const informer = informerOf({}, { timeoutMs: 10_000 });
    server.misbehave('list', { kind: 'status', status: 503 }, { kind: 'reset' }, { kind: 'hang' }, { kind: 'garbage' });
    await informer.start(ended.signal);
    await inSync(informer);
    // The reset came on a kept connection, where the client itself asks once more.
    expect(informer.restarts).toBe(3);
  });

  test('forgets its history while no client is connected: what was deleted meanwhile is told', async () => {
    write('web', 'Running');
    write('db', 'Running');
    write('cache', 'Running');
    const informer = informerOf();
    await informer.start(ended.signal);
    await server.arrived('watch', 1);
    server.misbehave('watch', { kind: 'reset' });
    server.cutWatches();
    server.store.remove(shop, 'web');
    server.store.remove(shop, 'cache');
    write('db', 'Failed');
    // Deleted and made again under the same name: another object.
    write('cache', 'Pending');
    server.store.compact();
    await inSync(informer);
    expect(told().slice(0, 3)).toEqual(['web Running', 'db Running', 'cache Running']);
    expect(told().slice(3).toSorted()).toEqual(['- cache', '- web', 'cache Pending', 'db Failed']);
  });

  test('goes on after a bookmark where the bookmark was', async () => {
    const informer = informerOf();
    await informer.start(ended.signal);
    await server.arrived('watch', 1);
    // Something else moves the version on; then the history before it is forgotten.
    server.store.put('/api/v1/namespaces/other/services', { metadata: { name: 'a', namespace: 'other' } });
    await eventually('one watch is open', () => server.openWatches, { ...soon, is: (n) => n === 1 });
    const bookmarked = server.store.version;
    server.bookmark();
    server.store.compact();
    // Ended in order, so the bookmark arrives before.
    server.endWatches();
    await server.arrived('watch', 2);
    expect(server.requests.at(-1)!.query.get('resourceVersion')).toBe(String(bookmarked));
    expect(informer.restarts).toBe(0);
    expect(informer.lastEventAgeMs()).toBeLessThan(60_000);
  });
});

test('a thousand reconnects lose nothing and leave nothing in memory', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const heap = async (): Promise<number> => {
    for (let i = 0; i < 3; i += 1) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return process.memoryUsage().heapUsed;
  };
  let count = 0;
  const client = createKubeClient(server.config, { clock });
  const informer = createInformer(client, pods, {}, { clock: fastClock(2000), logger });
  informer.onChange(() => (count += 1));
  await informer.start(ended.signal);
  const reconnect = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      const before = count;
      write('web', String(i));
      await eventually('the list is read again', () => count, { ...soon, is: (now) => now > before });
      if (i % 2 === 0) server.cutWatches();
      else server.endWatches();
    }
    server.store.compact();
    await inSync(informer);
  };
  await reconnect(100);
  const baseline = await heap();
  await reconnect(1000);
  expect(count).toBe(1100);
  // What 1,000 kept connections, listeners or timers would cost is some 10 MB.
  expect((await heap()) - baseline).toBeLessThan(2_000_000);
}, 60_000);
