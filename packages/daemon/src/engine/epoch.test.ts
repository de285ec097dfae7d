/** The operator fails over: what the deposed one asked for goes on under the next one's lease, and the deposed is not heard. */
import { systemClock } from '@chaosplane/common';
import { FakeNode, startTestEngine } from '@chaosplane/testkit';
import { expect, test } from '@jest/globals';
import type { ExecRequest } from './request.ts';

const loss = (operatorEpoch: number): ExecRequest => ({
  rpc: 'execNetworkChaos',
  wireAction: 'loss',
  experimentId: `of-epoch-${operatorEpoch}`,
  parameters: { podName: 'web', percent: '50' },
  options: { operatorEpoch, dryRun: false, peers: [], ttlMs: 3_600_000 },
});

test('a failover', async () => {
  let ahead = 0;
  const timers: { due: number; fire: () => void }[] = [];
  const now = (): number => systemClock.now() + ahead;
  const clock = {
    ...systemClock,
    now,
    monotonic: now,
    after(ms: number, fire: () => void) {
      const timer = { due: now() + ms, fire };
      timers.push(timer);
      return { cancel: () => void timers.splice(timers.indexOf(timer) >>> 0, 1) };
    },
  };
  const pass = (ms: number): void => {
    ahead += ms;
    for (const { due, fire } of [...timers]) if (due <= now()) fire();
  };
  const node = new FakeNode();
  node.addPod('web');
  const engine = await startTestEngine({ host: node.host(), clock });
  const liveIds = (): string[] => engine.live().map(({ id }) => id);
  const first = await engine.exec(loss(1));
  if (first.kind === 'planned') throw new Error('it was not a dry run');
  const { id } = first.record;
  await engine.renewLease({ epoch: 1, leaseTtlMs: 60_000, executions: [] });

  // The next leader renews under its own epoch, also what it has not asked for itself.
  pass(50_000);
  await engine.renewLease({ epoch: 2, leaseTtlMs: 60_000, executions: [{ id, ttlMs: 3_600_000 }] });
  pass(50_000);
  expect(liveIds()).toEqual([id]);

  // The deposed one, should it not have noticed, is refused.
  const deposed = { code: 'PERMISSION_DENIED', message: expect.stringContaining('epoch 1 is over') };
  await expect(engine.exec(loss(1))).rejects.toMatchObject(deposed);
  await expect(engine.renewLease({ epoch: 1, executions: [{ id, ttlMs: 1 }] })).rejects.toMatchObject(deposed);
  expect(liveIds()).toEqual([id]);

  // A cancel carries no epoch: undoing is right, whichever operator asks for it.
  await engine.cancel(id);
  expect(liveIds()).toEqual([]);

  await engine.renewLease({ epoch: 2, leaseTtlMs: 60_000, executions: [] });
  const second = await engine.exec(loss(2));
  pass(59_000);
  await engine.renewLease({ epoch: 2, leaseTtlMs: 60_000, executions: [] });
  pass(59_000);
  expect(engine.live().map(({ state }) => state)).toEqual(['active']);
  expect(second.kind).toBe('injected');
  await engine.recoverAll();
  await engine.stop();
});
