/** A namespace that takes the place and the inode of another is not mistaken for it: a real kernel reuses both at once. */
import { statSync } from 'node:fs';
import { ip, memoryJournal, RUN, startTestEngine } from '@chaosplane/testkit';
import { afterEach, expect, jest, test } from '@jest/globals';
import type { Host, SandboxDetail } from '../../src/contract/host.ts';
import { createHost } from '../../src/host/real-host.ts';

jest.setTimeout(120_000);

const name = `cp${RUN}-${process.pid}-1d-target`;
const path = `/run/netns/${name}`;

afterEach(() => {
  ip('netns', 'del', name);
});

/** The real host with one pod, whose namespace is the one at `path`. */
async function hostWithPod(sandboxId: string): Promise<Host> {
  const host = await createHost({ nodeName: 'node' });
  const sandbox: SandboxDetail = {
    id: sandboxId,
    podName: 'target',
    podNamespace: 'default',
    podUid: `uid-${sandboxId}`,
    ready: true,
    createdAt: 1n,
    labels: {},
    runtimeHandler: '',
    hostNetwork: false,
    ips: [],
    netnsPath: path,
  };
  const runtime = {
    version: async () => 'stub',
    sandboxes: async () => [sandbox],
    sandboxesOf: async () => [sandbox],
    sandbox: async (id: string) => (id === sandboxId ? sandbox : undefined),
    describe: async () => sandbox,
    containers: async () => [],
    container: async () => undefined,
    exec: () => Promise.reject(new Error('there are no containers')),
    close: () => undefined,
  };
  return { ...host, runtime };
}

async function startOver(sandboxId: string, journal: ReturnType<typeof memoryJournal>) {
  const host = await hostWithPod(sandboxId);
  const engine = await startTestEngine({ host, journal, config: { maxTtlMs: 600_000 } });
  const stop = async (): Promise<void> => {
    await engine.stop();
    await host.close();
  };
  return { engine, stop };
}

const rulesets = (): string => ip('netns', 'exec', name, 'nft', 'list', 'ruleset');

test('the fault of the old one has ended, and the new one is not touched', async () => {
  ip('netns', 'add', name);
  const journal = memoryJournal();
  const first = await startOver('old', journal);
  const injection = await first.engine.exec({
    rpc: 'execNetworkChaos',
    wireAction: 'partition',
    experimentId: 'e',
    parameters: { podName: 'target', interface: 'lo' },
    options: { operatorEpoch: 0, dryRun: false, peers: [] },
  });
  expect(rulesets()).toContain('chaosplane');
  await first.stop();

  const { ino } = statSync(path);
  // The kernel gives the inode of a dead namespace to the next one or the one after; some tries find it.
  for (let tries = 0; tries < 200; tries++) {
    ip('netns', 'del', name);
    ip('netns', 'add', name);
    if (statSync(path).ino === ino) break;
  }
  expect(statSync(path).ino).toBe(ino);

  const next = await startOver('new', journal);
  const id = injection.kind === 'injected' ? injection.record.id : '';
  expect((await next.engine.get(id)).record).toMatchObject({ state: 'ended', endReason: 'target-gone' });
  expect((await next.engine.cancel(id))?.state).toBe('ended');
  expect(rulesets()).toBe('');
  await next.stop();
});
