/** A node with many pods: what a daemon asks of the node, of its runtime and of its journal is the same for each of them. */
import { expect, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { FakeNode, memoryJournal, startTestEngine } from '@chaosplane/testkit';
import type { Host } from '../contract/host.ts';
import type { Engine } from './engine.ts';

/** Who looks at the pods every second would be counted by chance: short waits alone end here. */
const clock = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms < 1000 ? ms : 3_600_000, signal),
};

type Calls = Map<string, number>;

/** The same object, each call of whose methods is counted by its name. */
function counted<T extends object>(target: T, calls: () => Calls): T {
  return new Proxy(target, {
    get(from, name, receiver) {
      const value: unknown = Reflect.get(from, name, receiver);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const key = String(name);
        calls().set(key, (calls().get(key) ?? 0) + 1);
        return (value as (...given: unknown[]) => unknown).apply(from, args);
      };
    },
  });
}

interface Costs {
  readonly inject: Calls;
  readonly sweep: Calls;
  readonly undo: Calls;
}

/** What is asked while faults come to so many pods, are found by another daemon, and go; beside as many pods without any. */
async function costs(pods: number): Promise<Costs> {
  const node = new FakeNode();
  for (let index = 0; index < pods; index++) {
    node.addPod(`web-${index}`);
    node.addPod(`idle-${index}`);
  }
  const journal = memoryJournal();
  let calls: Calls = new Map();
  const during = async (work: () => Promise<unknown>): Promise<Calls> => {
    calls = new Map();
    await work();
    return calls;
  };
  const now = (): Calls => calls;
  const real = node.host();
  const host: Host = {
    ...real,
    runtime: counted(real.runtime, now),
    openNetns: (path) => counted(counted(real, now).openNetns(path), now),
  };
  const start = (): Promise<Engine> => startTestEngine({ host, journal: counted(journal, now), clock });
  const first = await start();
  const inject = await during(async () => {
    for (let index = 0; index < pods; index++)
      for (const [wireAction, parameters] of [
        ['loss', { percent: '30' }],
        ['delay', { latency: '10ms' }],
      ] as const)
        await first.exec({
          rpc: 'execNetworkChaos',
          wireAction,
          experimentId: 'e',
          parameters: { podName: `web-${index}`, ...parameters },
          options: { operatorEpoch: 0, dryRun: false, peers: [] },
        });
  });
  await first.stop();
  let next = first;
  const sweep = await during(async () => (next = await start()));
  expect(next.live()).toHaveLength(2 * pods);
  const undo = await during(() => next.recoverAll());
  expect(next.live()).toEqual([]);
  await next.stop();
  return { inject, sweep, undo };
}

test('the tenth pod costs no more than the second, in calls of every kind', async () => {
  const [one, two, ten] = [await costs(1), await costs(2), await costs(10)];
  for (const phase of ['inject', 'sweep', 'undo'] as const) {
    const [of1, of2, of10] = [one[phase], two[phase], ten[phase]];
    expect([...of10.keys()]).not.toEqual([]);
    for (const [name, calls] of of10) {
      const [first, second] = [of1.get(name) ?? 0, of2.get(name) ?? 0];
      expect({ phase, name, calls }).toEqual({ phase, name, calls: first + 9 * (second - first) });
    }
  }
});

/** The commands of nft while all faults of one pod are asked for at the same time. */
async function askedOfNft(faults: number): Promise<readonly string[]> {
  const node = new FakeNode();
  node.addPod('web');
  const real = node.host();
  let asked: string[] = [];
  const openNetns: Host['openNetns'] = (path) => {
    const netns = real.openNetns(path);
    const nft = (commands: readonly string[]): string => {
      asked.push(...commands);
      return netns.nft(commands);
    };
    return new Proxy(netns, { get: (from, name): unknown => (name === 'nft' ? nft : Reflect.get(from, name, from)) });
  };
  const engine = await startTestEngine({ host: { ...real, openNetns }, clock });
  for (let index = 0; index < faults; index++)
    await engine.exec({
      rpc: 'execNetworkChaos',
      wireAction: 'partition',
      experimentId: `e-${index}`,
      parameters: { podName: 'web', targetCidr: `192.0.2.${index}/32` },
      options: { operatorEpoch: 0, dryRun: false, peers: [] },
    });
  asked = [];
  const listed = await engine.list({ includeEnded: false });
  expect(listed.map(({ evidence }) => evidence?.counters)).toEqual(Array(faults).fill(expect.any(Object)));
  const found = asked;
  asked = [];
  await engine.list({ includeEnded: false });
  // Evidence is never older than the question.
  expect(asked).toEqual(found);
  await engine.recoverAll();
  await engine.stop();
  return found;
}

test('all faults of a pod are measured by one listing, however many there are', async () => {
  const one = await askedOfNft(1);
  expect(one).not.toEqual([]);
  expect(await askedOfNft(20)).toEqual(one);
});
