/** Faults on top of each other, and what is left when they are gone: nothing. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, jest } from '@jest/globals';
import { differences, fingerprint } from '@chaosplane/testbed';
import { createLab, distribution, eventually, ip, sendOneWay, type Lab, type LabNamespace } from '@chaosplane/testkit';
import {
  emulated,
  httpAbort,
  kernelCapabilities,
  shapersOfKernel,
  startLabDaemon,
  type LabDaemon,
} from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

const capability = await kernelCapabilities();

let lab: Lab;
let daemon: LabDaemon;

beforeEach(() => {
  lab = createLab({ peers: 2 });
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

/** Some packets have left by then, and none has arrived. */
const lookAtOnce = (): Promise<void> => pause(60);

async function measure(to: LabNamespace): Promise<{ received: number; leastMs: number }> {
  const { received, times } = await sendOneWay(lab.target, to, { count: 20, burst: 1, everyMs: 3, withinMs: 600 });
  return { received, leastMs: distribution(times).least };
}

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay by ${engine} and a partition${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    test.each(['delay', 'partition'])('leave nothing behind, the %s cancelled first', async (first) => {
      daemon = await startLabDaemon(lab, { engine });
      const before = await fingerprint(lab.target.path);
      const delay = await daemon.exec('delay', { latency: '100ms' });
      const partition = await daemon.exec('partition', { peers: lab.peer(1).ipv4 });
      expect((await measure(lab.peer(0))).leastMs).toBeGreaterThanOrEqual(99);
      expect((await measure(lab.peer(1))).received).toBe(0);
      expect(differences(before, await fingerprint(lab.target.path))).not.toEqual([]);

      await daemon.cancel(first === 'delay' ? delay : partition);
      const [near, far] = [await measure(lab.peer(0)), await measure(lab.peer(1))];
      expect(far.received).toBe(first === 'delay' ? 0 : 20);
      if (first === 'delay') expect(near.leastMs).toBeLessThan(50);
      else expect(Math.min(near.leastMs, far.leastMs)).toBeGreaterThanOrEqual(99);

      await daemon.cancel(first === 'delay' ? partition : delay);
      expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
      for (const peer of [lab.peer(0), lab.peer(1)]) {
        const { received, leastMs } = await measure(peer);
        expect(received).toBe(20);
        expect(leastMs).toBeLessThan(50);
      }
    });
  });
}

describe('while packets wait in the queue engine', () => {
  const only = capability('nfqueue').available && !emulated ? test : test.skip;
  only.each(['egress', 'ingress'] as const)('(%s) no fault that ends loses any of them', async (direction) => {
    daemon = await startLabDaemon(lab, { engine: 'queue' });
    const delay = await daemon.exec('delay', { latency: '150ms', direction });
    const sent = async (): Promise<number[]> => {
      const [from, to] = direction === 'egress' ? [lab.target, lab.peer(0)] : [lab.peer(0), lab.target];
      return [...(await sendOneWay(from, to, { count: 80, burst: 1, everyMs: 2, withinMs: 1000 })).missing];
    };
    const loss = await daemon.exec('loss', { percent: '50', ports: '7', direction: 'both' });
    // Both are under way when the fault ends.
    const [missing] = await Promise.all([sent(), lookAtOnce().then(() => daemon.cancel(loss))]);
    expect(missing).toEqual([]);
    const last = sent();
    await lookAtOnce();
    await daemon.cancel(delay);
    expect(await last).toEqual([]);
  });

  only.each(['server', 'client'])('(%s) no proxy that ends loses any of them', async (side) => {
    daemon = await startLabDaemon(lab, { engine: 'queue' });
    const before = await fingerprint(lab.target.path);
    const proxied = await daemon.execProxied(httpAbort, { port: '8080', path: '/bad', statusCode: '503', side });
    const delay = await daemon.exec('delay', { latency: '400ms', direction: 'ingress' });
    const sending = sendOneWay(lab.peer(0), lab.target, { count: 80, burst: 1, everyMs: 2, withinMs: 1500 });
    await lookAtOnce();
    await daemon.cancel(proxied);
    expect((await sending).missing).toEqual([]);
    await daemon.cancel(delay);
    await eventually(
      'nothing is left',
      async () => differences(before, await fingerprint(lab.target.path)).length === 0,
      { withinMs: 10_000 },
    );
  });
});

describe('a root qdisc of another program', () => {
  const { available, detail } = capability('sch-netem');
  const only = available ? test : test.skip;
  only(`is kept, and the delay refused${available ? '' : ` (this kernel has no netem: ${detail})`}`, async () => {
    daemon = await startLabDaemon(lab, { engine: 'netem' });
    const tbf = 'root handle 1: tbf rate 1gbit burst 100kb limit 1mb';
    ip('netns', 'exec', lab.target.name, 'tc', 'qdisc', 'add', 'dev', 'eth0', ...tbf.split(' '));
    const before = await fingerprint(lab.target.path);
    await expect(daemon.exec('delay', { latency: '10ms' })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('tbf 1:'),
    });
    expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
    expect((await measure(lab.peer(0))).received).toBe(20);
  });
});

describe('a daemon whose journal is lost', () => {
  const lacking = (['netdev-egress', 'sch-htb', 'sch-tbf', 'ifb'] as const).filter(
    (name) => !capability(name).available,
  );
  const only = lacking.length === 0 ? test : test.skip;
  only(
    `has a successor that removes every trace of it, IFB device and all${lacking.map((name) => ` (no ${name})`).join('')}`,
    async () => {
      daemon = await startLabDaemon(lab);
      const before = await fingerprint(lab.target.path);
      await daemon.exec('bandwidth', { rate: '1mbit', direction: 'both' });
      await daemon.exec('bandwidth', { rate: '2mbit', direction: 'ingress', peers: lab.peer(0).ipv4 });
      await daemon.exec('duplicate', { percent: '50', direction: 'both' });
      await daemon.exec('corrupt', { percent: '50', direction: 'both' });
      await daemon.exec('loss', { percent: '50', correlation: '50' });
      await daemon.leave();
      const left = differences(before, await fingerprint(lab.target.path)).join('\n');
      expect(left).toContain('cpifb-eth0');
      daemon = await startLabDaemon(lab);
      expect(daemon.engine.swept.orphans).toEqual([lab.target.path]);
      expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
    },
  );
});
