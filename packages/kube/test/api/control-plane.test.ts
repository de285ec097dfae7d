/** The controller runtime against a real kube-apiserver and etcd. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger, defined, systemClock } from '@chaosplane/common';
import { startCluster, type Cluster } from '@chaosplane/testcluster';
import { eventually } from '@chaosplane/testkit/eventually';
import {
  addFinalizer,
  configMaps,
  createEventRecorder,
  createInformer,
  createKubeClient,
  electLeader,
  isConflict,
  isGone,
  leases,
  nodes,
  removeFinalizer,
  tokenReviews,
  type ConfigMap,
  type KubeClient,
} from '../../src/index.ts';
import { loadCluster } from '../../src/config.ts';
import { soon } from '../soon.ts';

const clock = systemClock;
const logger = createLogger({ level: 'silent' });
const ended = new AbortController();
let cluster: Cluster;
let client: KubeClient;
let count = 0;
/** Each test has objects of its own. */
let ref: { namespace: string; name: string };

beforeAll(async () => {
  cluster = await startCluster({ nodes: 0, report: () => undefined });
  client = createKubeClient(loadCluster({ kubeconfig: cluster.kubeconfig }));
}, 300_000);
afterAll(async () => {
  ended.abort();
  await (cluster as Cluster | undefined)?.stop();
}, 60_000);
beforeEach(() => {
  count += 1;
  ref = { namespace: 'default', name: `thing-${count}` };
});

const refusal = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'not refused',
    (error: unknown) => error,
  );

describe('requests', () => {
  test('an apply with an old resourceVersion is refused, also when forced', async () => {
    const first = await client.apply(configMaps, { metadata: ref, data: { a: '1' } }, { fieldManager: 'test' });
    await client.apply(configMaps, { metadata: ref, data: { a: '2' } }, { fieldManager: 'test' });
    const { resourceVersion } = first.metadata;
    const old = {
      metadata: { ...ref, ...defined({ resourceVersion }) },
      data: { a: '3' },
    };
    const error = await refusal(client.apply(configMaps, old, { fieldManager: 'test', force: true }));
    expect(isConflict(error)).toBe(true);
    expect(error).toMatchObject({ code: 'ABORTED' });
    expect((await client.get(configMaps, ref))?.data).toEqual({ a: '2' });
  });

  test('fields of another manager are taken only by force', async () => {
    await client.apply(configMaps, { metadata: ref, data: { a: '1', b: '1' } }, { fieldManager: 'one' });
    const mine = { metadata: ref, data: { a: '2' } };
    expect(isConflict(await refusal(client.apply(configMaps, mine, { fieldManager: 'two' })))).toBe(true);
    const forced = await client.apply(configMaps, mine, { fieldManager: 'two', force: true });
    expect(forced.data).toEqual({ a: '2', b: '1' });
  });

  test('a status is applied apart from its object', async () => {
    await client.create(nodes, { metadata: { name: ref.name } });
    const condition = { type: 'Tested', status: 'True', reason: 'Test', message: 'it was' } as const;
    const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const status = { conditions };
    const options = { fieldManager: 'test', subresource: 'status' } as const;
    const applied = await client.apply(nodes, { metadata: { name: ref.name }, status }, options);
    expect(applied.status?.conditions).toContainEqual(expect.objectContaining({ ...conditions[0] }));
    expect(await client.delete(nodes, { name: ref.name })).toBe('deleted');
  });

  test('a JSON patch whose test fails changes nothing', async () => {
    await client.create(configMaps, { metadata: ref, data: { a: '1' } });
    const patch = (expected: string) =>
      client.patch(configMaps, ref, {
        kind: 'json',
        operations: [
          { op: 'test', path: '/data/a', value: expected },
          { op: 'replace', path: '/data/a', value: '2' },
        ],
      });
    expect(await refusal(patch('9'))).toMatchObject({ status: 422, code: 'INVALID_ARGUMENT' });
    expect((await patch('1')).data).toEqual({ a: '2' });
  });

  test('a delete is of the object that was meant, not of one with its name', async () => {
    const old = await client.create(configMaps, { metadata: ref });
    expect(await client.delete(configMaps, ref)).toBe('deleted');
    expect(await client.delete(configMaps, ref)).toBe('gone');
    await client.create(configMaps, { metadata: ref });
    expect(isConflict(await refusal(client.delete(configMaps, ref, { uid: old.metadata.uid })))).toBe(true);
  });

  test('what is dry-run is not there, and what has no name is answered', async () => {
    await client.create(configMaps, { metadata: ref }, { dryRun: true });
    expect(await client.get(configMaps, ref)).toBeUndefined();
    const review = await client.create(tokenReviews, { spec: { token: 'not a token' } });
    expect(review.status?.authenticated ?? false).toBe(false);
    expect(await client.raw('GET', '/version')).toMatchObject({ major: '1' });
  });
});

test('a finalizer holds a deleted object until it is removed', async () => {
  const created = await client.create(configMaps, { metadata: ref });
  const held = await addFinalizer(client, configMaps, created, 'example.io/cleanup');
  // Known only in its old version from here on.
  await client.patch(configMaps, ref, { kind: 'merge', body: { data: { a: '1' } } });
  expect(await client.delete(configMaps, ref)).toBe('deleted');
  expect((await client.get(configMaps, ref))?.metadata.deletionTimestamp).toBeDefined();
  await removeFinalizer(client, configMaps, held, 'example.io/cleanup');
  expect(await client.get(configMaps, ref)).toBeUndefined();
  await removeFinalizer(client, configMaps, held, 'example.io/cleanup');
  const again = await client.create(configMaps, { metadata: ref });
  expect(await removeFinalizer(client, configMaps, held, 'example.io/cleanup')).toMatchObject({ metadata: ref });
  expect((await client.get(configMaps, ref))?.metadata.uid).toBe(again.metadata.uid);
});

test('events are shown by kubectl, equal ones once with their count', async () => {
  const object = await client.create(configMaps, { metadata: ref });
  const recorder = createEventRecorder({ client, clock, logger, component: 'example.io/test', instance: 'one' });
  const event = { type: 'Warning', reason: 'Tested', action: 'Testing', message: 'told thrice' } as const;
  for (let i = 0; i < 3; i += 1) {
    recorder.record(object, event);
    await recorder.flush(ended.signal);
  }
  recorder.record({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'nowhere' } }, event);
  await recorder.stop();
  const shown = await cluster.kubectl(['events', '-n', 'default', '--for', `configmap/${ref.name}`]);
  expect(shown).toMatch(/\(x3 over .*Warning +Tested +ConfigMap\/.* +told thrice/);
  expect(await cluster.kubectl(['get', 'events', '-n', 'default'])).toContain('node/nowhere');
});

describe('an informer', () => {
  test('follows through a death of the API server, and tells each change once', async () => {
    await client.create(configMaps, { metadata: { ...ref, name: `${ref.name}-old` }, data: { v: '0' } });
    const told: string[] = [];
    const informer = createInformer<ConfigMap>(
      client,
      configMaps,
      { namespace: 'default', pageSize: 2 },
      { clock, logger },
    );
    informer.onChange(({ type, object: { metadata, data } }) => {
      if (metadata.name.startsWith(ref.name))
        told.push(`${type} ${metadata.name.slice(ref.name.length)} ${data?.['v'] ?? ''}`);
    });
    const life = new AbortController();
    await informer.start(life.signal);
    expect(informer.list().length).toBe((await client.list(configMaps, { namespace: 'default' })).items.length);
    const write = (v: string) => client.apply(configMaps, { metadata: ref, data: { v } }, { fieldManager: 'test' });
    await write('1');
    await eventually('both changes were told', () => told.length, { ...soon, is: (n) => n === 2 });
    await cluster.stopApiServer();
    await expect(client.get(configMaps, ref)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await cluster.startApiServer();
    await write('2');
    await client.delete(configMaps, { ...ref, name: `${ref.name}-old` });
    await eventually('what changed was told', () => told.length, { ...soon, withinMs: 40_000, is: (n) => n === 4 });
    expect(told).toEqual(['added -old 0', 'added  1', 'updated  2', 'deleted -old 0']);
    expect(informer.restarts).toBeGreaterThan(0);
    life.abort();
  }, 90_000);

  test('is told when its version is older than what the API server remembers', async () => {
    // Since it was started again, a moment ago, it remembers nothing from before.
    const watching = async (): Promise<void> => {
      for await (const _ of client.watch(configMaps, { resourceVersion: '1', signal: ended.signal })) break;
    };
    expect(isGone(await refusal(watching()))).toBe(true);
  });
});

describe('an election', () => {
  const stand = (identity: string) => {
    const timing = { leaseDurationMs: 3000, renewDeadlineMs: 2000, retryMs: 500 };
    return electLeader({ ...ref, identity, ...timing }, { client, clock, logger }, ended.signal);
  };

  test('of two candidates one leads, and the other follows in the next term', async () => {
    const standing = [stand('a'), stand('b')];
    const first = await Promise.race(standing);
    await first.release();
    const [a, b] = await Promise.all(standing);
    expect(a!.epoch).not.toBe(b!.epoch);
    const second = first === a ? b : a;
    expect(second!.epoch).toBeGreaterThan(first.epoch);
    expect((await client.get(leases, ref))?.spec?.leaseTransitions).toBe(1);
    await Promise.all([a!.release(), b!.release()]);
  }, 20_000);

  test('candidates of client-go respect our lease, and we theirs', async () => {
    const ours = await stand('ours');
    const flags = [
      ...['--secure-port=0', `--kubeconfig=${cluster.kubeconfig}`, '--leader-elect=true'],
      ...[`--leader-elect-resource-namespace=${ref.namespace}`, `--leader-elect-resource-name=${ref.name}`],
      ...['lease-duration=3s', 'renew-deadline=2s', 'retry-period=500ms'].map((one) => `--leader-elect-${one}`),
    ];
    const scheduler = spawn(join(cluster.programs, 'kube-scheduler'), flags, { stdio: 'ignore' });
    try {
      const holder = async () => (await client.get(leases, ref))?.spec?.holderIdentity;
      // Longer than the lease: who did not see us renew would have taken it.
      await clock.sleep(5000);
      expect([await holder(), ours.lost.aborted]).toEqual(['ours', false]);
      await ours.release();
      const deadline = clock.monotonic() + 10_000;
      while (!/_/.test((await holder()) ?? '') && clock.monotonic() < deadline) await clock.sleep(100);
      const theirs = await client.get(leases, ref);
      expect(theirs?.spec).toMatchObject({ leaseTransitions: 1, holderIdentity: expect.stringContaining('_') });
      let followed = false;
      const following = stand('ours').then((leader) => ((followed = true), leader));
      await clock.sleep(5000);
      expect(followed).toBe(false);
      scheduler.kill('SIGKILL');
      const third = await following;
      expect(third.epoch).toBeGreaterThan(ours.epoch);
      expect((await client.get(leases, ref))?.spec?.leaseTransitions).toBe(2);
      await third.release();
    } finally {
      scheduler.kill('SIGKILL');
      if (scheduler.exitCode === null && scheduler.signalCode === null) await once(scheduler, 'exit');
    }
  }, 40_000);
});
