/** Two operators, one that is gone for good, and an API server that is away. */
import { expect, jest, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { leases } from '@chaosplane/kube';
import { chaosExperiments, parseExperiment } from '@chaosplane/api';
import { send } from '@chaosplane/client';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage, isEffective, isOver } from './each-on-stage.ts';
import { type Stage, type ApiServerFixture } from './stage.ts';

jest.setTimeout(180_000);

let stage: Stage;
let fixture: ApiServerFixture;

eachOnStage((...next) => {
  [stage, fixture] = next;
});

const spec = (duration: string) => ({
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration,
});

async function twoPods(): Promise<string> {
  for (const [index, node] of stage.nodes.entries()) await stage.addPod(`p${index}`, node);
  return stage.print();
}

test('of two operators one works; when it stops, the other goes on with what runs', async () => {
  const before = await twoPods();
  const first = stage.startOperator({ identity: 'first' });
  await stage.apply('slow', spec('8s'));
  await stage.until('slow', isEffective);
  stage.startOperator({ identity: 'second' });
  const lease = { namespace: stage.namespace, name: 'chaosplane-operator' };
  expect((await stage.client.get(leases, lease))?.spec?.holderIdentity).toBe('first');
  await first.stop();
  await eventually('the second one leads', async () =>
    (await stage.client.get(leases, lease))?.spec?.holderIdentity === 'second' ? true : undefined,
  );
  const over = await stage.until('slow', isOver, 60_000);
  expect(over.status).toMatchObject({ phase: 'Completed', counts: { targets: 2, recovered: 2 } });
  expect(stage.nodes.map(({ journal }) => new Set(journal.writes.map(({ id }) => id)).size)).toEqual([1, 1]);
  expect(stage.print()).toBe(before);
});

test('an operator that waits for the lead ends in order when it is told to', async () => {
  stage.startOperator({ identity: 'first' });
  const lease = { namespace: stage.namespace, name: 'chaosplane-operator' };
  const leads = async () =>
    (await stage.client.get(leases, lease))?.spec?.holderIdentity === 'first' ? true : undefined;
  await eventually('the first one leads', leads);
  const second = stage.startOperator({ identity: 'second' });
  await second.stop();
  expect(await leads()).toBe(true);
});

test('what a deposed operator still says is refused by every daemon, and changes nothing', async () => {
  const before = await twoPods();
  const first = stage.startOperator({ identity: 'first' });
  const lease = { namespace: stage.namespace, name: 'chaosplane-operator' };
  const leads = (identity: string) => async () =>
    (await stage.client.get(leases, lease))?.spec?.holderIdentity === identity ? true : undefined;
  await eventually('the first one leads', leads('first'));
  await first.stop();
  stage.startOperator({ identity: 'second' });
  await eventually('the second one leads', leads('second'));
  const daemons = await stage.connect();
  daemons.know(new Map(stage.nodes.map(({ name, podIp = '' }) => [name, podIp])));
  const { spec: wanted } = parseExperiment(
    {
      apiVersion: 'chaos.chaosplane.io/v1alpha1',
      kind: 'ChaosExperiment',
      metadata: { name: 'late', namespace: stage.namespace },
      spec: spec('1m'),
    },
    'cluster',
  );
  const [node] = stage.nodes;
  await eventually('the daemon has heard of the second one', async () => {
    const late = { operatorEpoch: 1n };
    return daemons
      .of(node!.name)
      .renewLease(late)
      .then(
        () => undefined,
        (error: unknown) => (String(error).includes('PERMISSION_DENIED') ? true : undefined),
      );
  });
  const target = { namespace: stage.namespace, name: 'p0', uid: '' };
  const request = { spec: wanted, experimentId: 'late', target, ttlMs: 60_000, dryRun: false, peers: [], epoch: 1 };
  await expect(send(daemons.of(node!.name), request)).rejects.toThrow(/PERMISSION_DENIED.*epoch 1 is over/);
  expect(stage.print()).toBe(before);
  expect(node!.journal.writes).toEqual([]);
  daemons.close();
});

test('an operator that is gone for good: the daemons end what it asked for when its lease lapses', async () => {
  const before = await twoPods();
  const operator = stage.startOperator({ daemonLease: '6s', renewEvery: '1s' });
  await stage.apply('slow', spec('10m'));
  await stage.until('slow', isEffective);
  expect(stage.print()).not.toBe(before);
  await operator.stop();
  await eventually('the faults are gone', async () => (stage.print() === before ? true : undefined), {
    withinMs: 60_000,
  });
});

test('the API server is away for a minute: the faults end in time without it, and both operators go on when it is back', async () => {
  const before = await twoPods();
  let ended = false;
  for (const identity of ['first', 'second'])
    void stage.startOperator({ identity }).ended.finally(() => (ended = true));
  await stage.apply('slow', spec('15s'));
  await stage.until('slow', isEffective);
  await fixture.cluster.stopApiServer();
  const minute = systemClock.sleep(60_000);
  try {
    // Long before the daemons' lease lapses, and with no operator left that could tell them to.
    await eventually('the faults are gone', async () => (stage.print() === before ? true : undefined), {
      withinMs: 40_000,
    });
    await minute;
  } finally {
    await fixture.cluster.startApiServer();
  }
  const over = await stage.until('slow', isOver, 60_000);
  expect(over.status).toMatchObject({ phase: 'Completed', counts: { targets: 2, recovered: 2 } });
  // A process that ends is started again by the kubelet, later and later.
  expect(ended).toBe(false);
});

test('a daemon that is restarted in the middle is asked again, and its fault is recovered', async () => {
  const before = await twoPods();
  stage.startOperator();
  await stage.apply('slow', spec('6s'));
  await stage.until('slow', isEffective);
  const [node] = stage.nodes;
  await stage.stopDaemon(node!);
  expect(stage.print()).not.toBe(before);
  await stage.startDaemon(node!);
  const over = await stage.until('slow', isOver, 60_000);
  expect(over.status).toMatchObject({ phase: 'Completed', counts: { targets: 2, recovered: 2 } });
  expect(stage.print()).toBe(before);
});

test('a daemon whose pod is replaced is reached at its new address', async () => {
  const before = await twoPods();
  stage.startOperator();
  await stage.apply('slow', spec('10m'));
  await stage.until('slow', isEffective);
  await stage.replaceDaemon(stage.nodes[0]!);
  const body = { metadata: { annotations: { 'chaosplane.io/abort': 'true' } } };
  await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name: 'slow' }, { kind: 'merge', body });
  const over = await stage.until('slow', isOver);
  expect(over.status).toMatchObject({ phase: 'Aborted', counts: { targets: 2, recovered: 2 } });
  expect(stage.print()).toBe(before);
});
