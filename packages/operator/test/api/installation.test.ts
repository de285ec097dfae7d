/** Installed again, or twice: daemons know the operator that came last, at once. And pods that go away in a run. */
import { describe, expect, jest, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { leases, pods, refOf } from '@chaosplane/kube';
import type { ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage, isOver } from './each-on-stage.ts';
import { type Stage } from './stage.ts';

jest.setTimeout(120_000);

let stage: Stage;

eachOnStage(async (next) => {
  stage = next;
  for (const [index, node] of stage.nodes.entries()) await stage.addPod(`p${index}`, node);
});

const lease = (name = 'chaosplane-operator') => ({ namespace: stage.namespace, name });

/** When the term of the lease began: its epoch. */
async function epochOf(name?: string): Promise<bigint> {
  const found = await eventually('the lease is held', async () => {
    const { spec } = (await stage.client.get(leases, lease(name))) ?? {};
    return spec?.holderIdentity === '' ? undefined : spec?.acquireTime;
  });
  return BigInt(Date.parse(found));
}

async function experiment(name: string, duration = '1s'): Promise<ExperimentObject['status']> {
  await stage.apply(name, {
    target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
    action: { type: 'network-delay', parameters: { latency: '100ms' } },
    duration,
  });
  return (await stage.until(name, isOver, 60_000)).status;
}
const good = { phase: 'Completed', counts: { targets: 2, missed: 0, recovered: 2 } };

/** How the daemons take an operator of that epoch. */
async function refusals(operatorEpoch: bigint): Promise<string[]> {
  const daemons = await stage.connect();
  daemons.know(new Map(stage.nodes.map(({ name, podIp = '' }) => [name, podIp])));
  const answers = stage.nodes.map(({ name }) => daemons.of(name).renewLease({ operatorEpoch }));
  const results = await Promise.allSettled(answers);
  daemons.close();
  return results.map((result) => (result.status === 'rejected' ? String(result.reason) : 'taken'));
}

describe('experiments work at once, and who was deposed is refused', () => {
  test('after the operator was uninstalled and installed again', async () => {
    const before = stage.print();
    const old = stage.startOperator({ identity: 'old' });
    expect(await experiment('one')).toMatchObject(good);
    const first = await epochOf();
    await old.stop();
    // As `operator uninstall` does.
    await stage.client.delete(leases, lease());
    stage.startOperator({ identity: 'new' });
    expect(await experiment('two')).toMatchObject(good);
    expect((await stage.client.get(leases, lease()))?.spec?.leaseTransitions).toBe(0);
    const refused = expect.stringMatching(/PERMISSION_DENIED.*is over/);
    expect(await refusals(first)).toEqual([refused, refused]);
    expect(stage.print()).toBe(before);
  });

  test('after its lease was deleted while it runs', async () => {
    stage.startOperator({ identity: 'one', leaderLease: '3s' });
    expect(await experiment('one')).toMatchObject(good);
    const first = await epochOf();
    await stage.client.delete(leases, lease());
    expect(await experiment('two')).toMatchObject(good);
    expect(await epochOf()).toBeGreaterThanOrEqual(first);
  });

  test('where two installations share the daemons, and the older one says that it is refused', async () => {
    // The account of the chart has one lease.
    const { client } = stage;
    const lines: string[] = [];
    const logger = createLogger({ level: 'error', destination: { write: (line) => void lines.push(line) } });
    const older = stage.startOperator({ identity: 'older', leaseName: 'older', renewEvery: '1s', logger, client });
    expect(await experiment('one')).toMatchObject(good);
    expect(older.notReady()).toBeUndefined();
    const younger = stage.startOperator({ identity: 'younger', leaseName: 'younger', renewEvery: '1s', client });
    await epochOf('younger');
    expect(await experiment('two')).toMatchObject(good);
    const why = await eventually('the older one says so', async () => older.notReady());
    expect(why).toMatch(/^2 daemons refuse this operator: epoch \d+ is over: the operator of epoch \d+ leads now/);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['daemons refuse this operator']);
    expect(younger.notReady()).toBeUndefined();
  });
});

test.each([
  ['Fail', 'Failed', /^1 of 2 targets went away before the end .*: target gone: its pod was deleted\)$/],
  ['Continue', 'Completed', /; 1 of 2 targets went away before the end /],
])('a pod that is deleted in a run is said to be, and its author chose: %s', async (onTargetGone, phase, message) => {
  stage.startOperator();
  const gone = await stage.addPod('short-lived', stage.nodes[0]!, { app: 'rollout' });
  await stage.addPod('stays', stage.nodes[1]!, { app: 'rollout' });
  await stage.apply('slow', {
    target: { labelSelector: { matchLabels: { app: 'rollout' } }, mode: 'all' },
    action: { type: 'network-delay', parameters: { latency: '100ms' } },
    duration: '5s',
    execution: { onTargetGone },
  });
  await stage.until('slow', ({ status }) => status?.effectiveAt !== undefined);
  await stage.client.delete(pods, refOf(gone.object), { gracePeriodSeconds: 0 });
  gone.node.kernel.removePod(gone.fake);
  const { status } = await stage.until('slow', isOver);
  expect(status).toMatchObject({ phase, message: expect.stringMatching(message) });
  const target = status?.targets?.find(({ name }) => name === 'short-lived');
  expect(target).toMatchObject({ state: 'Recovered', endedEarly: 'target gone: its pod was deleted' });
});
