import { systemClock } from '@chaosplane/common';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually, FakeNode, memoryJournal, startTestEngine } from '@chaosplane/testkit';
import { manualClock } from '@chaosplane/testkit/clocks';
import type { ExecRequest } from './request.ts';
import type { Engine } from './engine.ts';
import type { InjectionResult } from './inject.ts';

const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

async function start(node: FakeNode, journal = memoryJournal(), clock = systemClock): Promise<Engine> {
  const engine = await startTestEngine({ host: node.host(), journal, clock });
  engines.push(engine);
  return engine;
}

const request = (
  wireAction: string,
  parameters: Record<string, string>,
  options: Partial<ExecRequest['options']> = {},
): ExecRequest => ({
  rpc: 'execNetworkChaos',
  wireAction,
  experimentId: 'e1',
  parameters: { podName: 'web', ...parameters },
  options: { operatorEpoch: 0, dryRun: false, peers: [], ...options },
});
const delay = (options: Partial<ExecRequest['options']> = {}) => request('delay', { latency: '10ms' }, options);
const loss = (options: Partial<ExecRequest['options']> = {}) => request('loss', { percent: '30' }, options);
const idOf = (injection: InjectionResult): string => {
  if (injection.kind === 'planned') throw new Error('it was only planned');
  return injection.record.id;
};

describe('an execution', () => {
  test('is undone to exactly what was there, in any order two of them are cancelled', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const node = new FakeNode();
      node.addPod('web');
      const before = node.print();
      const engine = await start(node);
      const ids = [idOf(await engine.exec(delay())), idOf(await engine.exec(loss()))];
      expect(node.print()).not.toBe(before);
      for (const index of order) await engine.cancel(ids[index] ?? '');
      expect(node.print()).toBe(before);
    }
  });

  test('removing one leaves the other as if it were alone', async () => {
    const alone = new FakeNode();
    alone.addPod('web');
    const both = new FakeNode();
    both.addPod('web');
    const first = await start(alone);
    const second = await start(both);
    const keep = { idempotencyKey: 'keep' };
    await first.exec(loss(keep));
    await second.exec(loss(keep));
    await second.cancel(idOf(await second.exec(delay())));
    expect(both.print()).toBe(alone.print());
  });

  test('without a key an equal request joins it while it lives, and is a new one afterwards', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const engine = await start(node);
    const first = await engine.exec(loss());
    const second = await engine.exec(loss());
    expect(second.kind).toBe('joined');
    expect(idOf(second)).toBe(idOf(first));
    await engine.cancel(idOf(first));
    expect(idOf(await engine.exec(loss()))).not.toBe(idOf(first));
  });

  test('with a key it is one execution for ever, and another request under that key is refused', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const engine = await start(node);
    const first = await engine.exec(loss({ idempotencyKey: 'k' }));
    await engine.cancel(idOf(first));
    const again = await engine.exec(loss({ idempotencyKey: 'k' }));
    expect(again.kind).toBe('joined');
    expect(idOf(again)).toBe(idOf(first));
    await expect(engine.exec(delay({ idempotencyKey: 'k' }))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('ten equal requests at the same time are one execution', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const engine = await start(node);
    const all = await Promise.all(Array.from({ length: 10 }, () => engine.exec(loss({ idempotencyKey: 'k' }))));
    expect(new Set(all.map(idOf)).size).toBe(1);
    expect(engine.live()).toHaveLength(1);
  });

  test('is seen once it is in the journal, and not before', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const journal = memoryJournal();
    const [begun, go] = [Promise.withResolvers<string>(), Promise.withResolvers<undefined>()];
    const engine = await start(node, {
      ...journal,
      async write(record, outlives) {
        begun.resolve(record.id);
        await go.promise;
        await journal.write(record, outlives);
      },
    });
    const asked = engine.exec(delay());
    const id = await begun.promise;
    expect(await engine.list({ includeEnded: true })).toEqual([]);
    await expect(engine.get(id)).rejects.toThrow('no execution');
    go.resolve(undefined);
    expect(idOf(await asked)).toBe(id);
    expect(await engine.list({ includeEnded: true })).toHaveLength(1);
    expect((await engine.get(id)).record.id).toBe(id);
  });

  test('ends by itself at its TTL', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const before = node.print();
    const engine = await start(node);
    const id = idOf(await engine.exec(loss({ ttlMs: 50 })));
    await eventually('the execution has ended', async () => (await engine.get(id)).record.state === 'ended', {
      withinMs: 5_000,
      everyMs: 10,
    });
    expect((await engine.get(id)).record.endReason).toBe('expired');
    expect(node.print()).toBe(before);
  });

  test('ends when the lease lapses, and not while it is renewed', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const clock = manualClock();
    const engine = await start(node, memoryJournal(), clock);
    const renew = () => engine.renewLease({ epoch: 3, leaseTtlMs: 150, executions: [] });
    await renew();
    const id = idOf(await engine.exec(loss({ operatorEpoch: 3 })));
    for (let renewals = 0; renewals < 4; renewals++) {
      await clock.advance(149);
      await renew();
    }
    expect((await engine.get(id)).record.state).toBe('active');
    await clock.advance(150);
    await eventually('the execution has ended', async () => (await engine.get(id)).record.state === 'ended');
    expect((await engine.get(id)).record.endReason).toBe('lease-lapsed');
  });

  test('a deposed operator is refused, for executions and for renewals', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const engine = await start(node);
    await engine.renewLease({ epoch: 4, executions: [] });
    await expect(engine.exec(loss({ operatorEpoch: 3 }))).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(engine.renewLease({ epoch: 3, executions: [] })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(engine.live()).toEqual([]);
  });

  test('of a pod that is deleted ends, and lets its namespace go', async () => {
    const node = new FakeNode();
    const pod = node.addPod('web');
    const engine = await start(node);
    const id = idOf(await engine.exec(loss()));
    expect(pod.netns.handles).toBe(1);
    node.removePod(pod);
    await eventually('the execution has ended', async () => (await engine.get(id)).record.state === 'ended', {
      withinMs: 5_000,
      everyMs: 10,
    });
    expect((await engine.get(id)).record.endReason).toBe('target-gone');
    expect(pod.netns.handles).toBe(0);
  });

  test('a dry run tells every command and changes nothing', async () => {
    const node = new FakeNode();
    node.addPod('web');
    const before = node.print();
    const journal = memoryJournal();
    const engine = await start(node, journal);
    const planned = await engine.exec(delay({ dryRun: true }));
    expect(planned.kind === 'planned' && planned.steps.map((step) => step.tool)).toEqual(['tc', 'nft']);
    expect(node.print()).toBe(before);
    expect(journal.writes).toEqual([]);
  });
});

describe('a request that is refused', () => {
  const cases: [string, string, ExecRequest, string][] = [
    ['a pod that is not there', 'web2', request('loss', { percent: '1', podName: 'nobody' }), 'NOT_FOUND'],
    ['another pod of that name', 'web', loss({ podUid: 'other' }), 'NOT_FOUND'],
    ['a node that has booted since', 'web', loss({ bootId: 'boot-0' }), 'FAILED_PRECONDITION'],
    ['a container that is not there', 'web', request('loss', { percent: '1', containerName: 'nobody' }), 'NOT_FOUND'],
    ['a TTL above the limit', 'web', loss({ ttlMs: 99_999_999 }), 'INVALID_ARGUMENT'],
    ['a peer on no port', 'web', loss({ peers: [{ cidr: '10.0.0.1', ports: [0], protocol: '' }] }), 'INVALID_ARGUMENT'],
    ['a peer by ICMP', 'web', loss({ peers: [{ cidr: '10.0.0.1', ports: [], protocol: 'icmp' }] }), 'INVALID_ARGUMENT'],
    [
      'a peer that is none',
      'web',
      loss({ peers: ['10.0.0.0/8', 'x; reboot'].map((cidr) => ({ cidr, ports: [], protocol: '' })) }),
      'INVALID_ARGUMENT',
    ],
    [
      'an interface that is not there',
      'web',
      request('loss', { percent: '1', interface: 'eth7' }),
      'FAILED_PRECONDITION',
    ],
  ];
  test.each(cases)('%s changes nothing and is not remembered', async (_name, pod, refused, code) => {
    const node = new FakeNode();
    node.addPod(pod);
    const before = node.print();
    const engine = await start(node);
    await expect(engine.exec(refused)).rejects.toMatchObject({ code });
    expect(node.print()).toBe(before);
    expect(engine.live()).toEqual([]);
  });

  test.each([
    ['hostNetwork', { hostNetwork: true }, 'hostNetwork'],
    ['kata', { runtimeHandler: 'kata' }, 'it runs in kata'],
    [
      'a runtime whose handler has any name',
      { runtimeHandler: 'safe', runtimeType: 'io.containerd.runsc.v1' },
      'runsc',
    ],
  ])('a pod of %s is refused with the reason', async (_name, options, reason) => {
    const node = new FakeNode();
    node.addPod('web', options);
    const engine = await start(node);
    const refusal = { code: 'FAILED_PRECONDITION', message: expect.stringContaining(reason) };
    await expect(engine.exec(loss())).rejects.toMatchObject(refusal);
  });

  test('a foreign root qdisc is left alone, and named', async () => {
    const node = new FakeNode();
    node.addPod('web').netns.addForeignRoot('eth0', 'tbf');
    const before = node.print();
    const engine = await start(node);
    await expect(engine.exec(delay())).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('tbf 1:'),
    });
    expect(node.print()).toBe(before);
  });

  test.each([
    ['without netem delays behind a TAP device', ['sch-netem'], 'tap'],
    ['without netem and TUN delays by the queue', ['sch-netem', 'tun'], 'queue'],
    ['without netem and the egress hook delays by the queue', ['sch-netem', 'netdev-egress'], 'queue'],
  ] as const)('a node %s, and says so', async (_name, missing, engineName) => {
    const node = new FakeNode({ missing: [...missing] });
    node.addPod('web');
    const before = node.print();
    const engine = await start(node);
    const injection = await engine.exec(delay());
    expect(injection.kind === 'injected' && injection.record.work.engine).toBe(engineName);
    expect(injection.kind === 'injected' && injection.record.notes.join()).toContain('packets pass undelayed');
    await engine.cancel(idOf(injection));
    expect(node.print()).toBe(before);
  });
});

describe('many at once', () => {
  test('the first requests of an operator begin one lease, and the later epoch wins', async () => {
    const node = new FakeNode();
    const names = Array.from({ length: 10 }, (_, index) => `pod-${index}`);
    for (const name of names) node.addPod(name);
    const engine = await start(node);
    await Promise.all(
      names.map((podName) => engine.exec(request('loss', { percent: '1', podName }, { operatorEpoch: 5 }))),
    );
    expect(engine.live()).toHaveLength(10);
    await Promise.allSettled([6, 5, 7].map((epoch) => engine.renewLease({ epoch, executions: [] })));
    await expect(engine.renewLease({ epoch: 6, executions: [] })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('a pod whose table a user deleted keeps no other from being renewed, and has its fault again', async () => {
    const node = new FakeNode();
    const broken = node.addPod('broken');
    node.addPod('web');
    const engine = await start(node);
    const ids = [
      idOf(await engine.exec(request('loss', { percent: '1', podName: 'broken' }))),
      idOf(await engine.exec(loss())),
    ];
    const before = node.print();
    broken.netns.nft.run(['delete table netdev chaosplane']);
    const { unknown } = await engine.renewLease({ epoch: 0, executions: ids.map((id) => ({ id, ttlMs: 60_000 })) });
    expect(unknown).toEqual([]);
    expect(node.print()).toBe(before);
  });

  test('two cancels of an execution whose pod is gone are both a success', async () => {
    const node = new FakeNode();
    const pod = node.addPod('web');
    const engine = await start(node);
    const id = idOf(await engine.exec(loss()));
    node.removePod(pod);
    await Promise.all([engine.cancel(id), engine.cancel(id)]);
    expect(engine.live()).toEqual([]);
  });
});

describe('evidence', () => {
  test('survives another fault that comes and goes', async () => {
    const node = new FakeNode();
    const pod = node.addPod('web');
    const engine = await start(node);
    const id = idOf(await engine.exec(loss()));
    const counter = `l${id.slice(id.lastIndexOf('-') + 1)}`;
    pod.netns.nft.count(`${counter}_matched`, 100);
    pod.netns.nft.count(`${counter}_dropped`, 30);
    await engine.cancel(idOf(await engine.exec(delay())));
    expect((await engine.get(id)).evidence).toMatchObject({
      verdict: 'verified',
      summary: '30 packets dropped (30.0 %), of 100 packets in scope',
    });
    const ended = await engine.cancel(id);
    expect(ended?.evidence?.counters).toMatchObject({ packets_dropped: 30 });
  });

  test('of a loss says at its end which connections still wait, and until when', async () => {
    const node = new FakeNode();
    const pod = node.addPod('web');
    const engine = await start(node);
    const id = idOf(await engine.exec(loss()));
    pod.netns.waiting = { count: 3, longestMs: 46_300 };
    pod.netns.nft.count(`l${id.slice(id.lastIndexOf('-') + 1)}_dropped`, 9);
    const ended = await engine.cancel(id);
    expect(ended?.notes).toContain(
      '3 connections of the pod still wait to send again, the last until 47 s from the end of the fault (TCP retransmission timer)',
    );
    expect(ended?.evidence?.counters).toMatchObject({ connections_waiting: 3, connections_wait_ms: 46_300 });
    // Of what was never dropped, nothing waits, and a delay lets go what it holds.
    const quiet = await engine.cancel(idOf(await engine.exec(loss())));
    expect(quiet?.notes.filter((note) => note.includes('wait'))).toEqual([]);
    const late = await engine.cancel(idOf(await engine.exec(delay())));
    expect(late?.notes.filter((note) => note.includes('wait'))).toEqual([]);
  });
});
