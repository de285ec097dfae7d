/** Two operators, one that is gone for good, and an API server that is away. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { leases } from '@chaosplane/kube';
import type { ExperimentObject } from '../../src/api/resources.ts';
import { send } from '../../src/daemons/requests.ts';
import { parseExperiment } from '@chaosplane/experiment';
import { eventually, openTheatre, type Stage, type Theatre } from './stage.ts';

jest.setTimeout(180_000);

let theatre: Theatre;
let stage: Stage;

beforeAll(async () => {
  theatre = await openTheatre();
}, 600_000);
afterAll(() => theatre.close(), 60_000);
beforeEach(async () => {
  stage = await theatre.stage();
});
afterEach(() => stage.close());

const spec = (duration: string) => ({
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration,
});
const isEffective = ({ status }: ExperimentObject): boolean => status?.effectiveAt !== undefined;
const isOver = ({ status }: ExperimentObject): boolean => status?.endedAt !== undefined;

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
  expect(await first.stop()).toBe('stopped');
  await eventually('the second one leads', async () =>
    (await stage.client.get(leases, lease))?.spec?.holderIdentity === 'second' ? true : undefined,
  );
  const over = await stage.until('slow', isOver, 60_000);
  expect(over.status).toMatchObject({ phase: 'Completed', counts: { targets: 2, recovered: 2 } });
  expect(stage.nodes.map(({ journal }) => new Set(journal.writes.map(({ id }) => id)).size)).toEqual([1, 1]);
  expect(stage.print()).toBe(before);
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
  await eventually('the faults are gone', async () => (stage.print() === before ? true : undefined), 60_000);
});

test('the API server is away in the middle: the faults end no later than their deadline, and the next operator says so', async () => {
  const before = await twoPods();
  stage.startOperator({ identity: 'first', leaderLease: '3s', daemonLease: '8s', renewEvery: '1s' });
  await stage.apply('slow', spec('5s'));
  await stage.until('slow', isEffective);
  await theatre.cluster.stopApiServer();
  try {
    // Nobody can tell the operator to end them, and it no longer leads.
    await eventually('the faults are gone', async () => (stage.print() === before ? true : undefined), 60_000);
  } finally {
    await theatre.cluster.startApiServer();
  }
  stage.startOperator({ identity: 'second', leaderLease: '15s' });
  const over = await stage.until('slow', isOver, 60_000);
  expect(over.status?.counts).toMatchObject({ targets: 2, recovered: 2 });
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
