/** Pods whose containers are one process of the node: what would be done to one of them would be done to the whole pod. */
import { afterEach, expect, test } from '@jest/globals';
import { FakeNode, startTestEngine } from '@chaosplane/testkit';
import type { ExecRequest } from './request.ts';
import type { Engine } from './engine.ts';

const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

async function start(node: FakeNode): Promise<Engine> {
  const engine = await startTestEngine({ host: node.host() });
  engines.push(engine);
  return engine;
}

const stress = (wireAction: string, parameters: Readonly<Record<string, string>>): ExecRequest => ({
  rpc: 'execStressChaos',
  wireAction,
  experimentId: 'e1',
  parameters: { podName: 'web', ...parameters },
  options: { operatorEpoch: 0, dryRun: false, peers: [] },
});

const containers = ['app', 'sidecar'];

test.each([
  [
    'the runtime tells its type',
    { runtimeHandler: 'safe', runtimeType: 'io.containerd.runsc.v1' },
    'it runs in io.cont',
  ],
  ['only the handler tells it', { runtimeHandler: 'gvisor' }, 'it runs in gvisor'],
  ['nothing tells it but the process', { oneProcess: true, containers }, 'is several of its containers'],
])('a container is not killed, nor its files written, where %s', async (_name, options, reason) => {
  const node = new FakeNode();
  node.addPod('web', options);
  const before = node.print();
  const engine = await start(node);
  for (const request of [
    stress('container-kill', { containerName: 'app' }),
    stress('io', { containerName: 'app', path: '/' }),
  ]) {
    await expect(engine.exec(request)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringMatching(new RegExp(`${reason}.*use pod-kill`)),
    });
  }
  expect(node.print()).toBe(before);
  expect(node.processes.signals).toEqual([]);
});

test('CPU is burnt there in the cgroup of the sandbox', async () => {
  const node = new FakeNode();
  node.addPod('web', { runtimeType: 'io.containerd.runsc.v1' });
  const engine = await start(node);
  expect((await engine.exec(stress('cpu', {}))).kind).toBe('injected');
});

test('two containers of an ordinary pod are two processes, and one of them is killed', async () => {
  const node = new FakeNode();
  node.addPod('web', { containers });
  const engine = await start(node);
  await engine.exec(stress('container-kill', { containerName: 'app' }));
  expect(node.processes.signals).toEqual(['KILL app']);
});
