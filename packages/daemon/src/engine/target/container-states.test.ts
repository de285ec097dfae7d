/** Containers that cannot be hit for the state that they are in: the refusal names it. */
import { expect, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { FakeNode } from '@chaosplane/testkit';
import type { ContainerDetail, Host } from '../../contract/host.ts';
import { resolveTarget } from './resolve.ts';

const spec = { on: 'pod', podNamespace: 'default', podName: 'web', unnamed: 'only' } as const;

/** A node whose one pod has these containers, as the runtime tells it. */
function nodeWith(details: readonly Omit<ContainerDetail, 'sandboxId'>[]): Host {
  const node = new FakeNode();
  const { sandbox } = node.addPod('web');
  const host = node.host();
  const known = details.map((detail): ContainerDetail => ({ ...detail, sandboxId: sandbox.id }));
  const container = async (id: string) => known.find((each) => each.id === id);
  return { ...host, runtime: { ...host.runtime, containers: async () => known, container } };
}

const app = { id: 'c1', name: 'app' } as const;
const exited = (id: string, exitCode: number, secondsAgo: number) =>
  ({ ...app, id, state: 'exited', exitCode, finishedAt: systemClock.now() - 1000 * secondsAgo }) as const;

test.each([
  ['that was created', [{ ...app, state: 'created' }], 'app was created and has not started'],
  ['that is over', [exited('c1', 0, 7)], 'app has exited with exit code 0 7s ago and is not running'],
  [
    'that crashes again and again',
    [exited('c1', 1, 90), exited('c2', 3, 20)],
    'app has exited with exit code 3 20s ago',
  ],
  ['the runtime does not know', [{ ...app, state: 'unknown' }], 'app is in the state unknown'],
  ['there is not', [], 'pod default/web has no container yet, only its sandbox'],
] as const)('a container %s', async (_name, details, words) => {
  await expect(resolveTarget(nodeWith(details), spec, {})).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining(words),
  });
});

test('one that is paused', async () => {
  const node = new FakeNode();
  node.addPod('web');
  node.processes.frozen = true;
  await expect(resolveTarget(node.host(), spec, {})).rejects.toThrow(
    'container app of pod default/web is paused: its cgroup is frozen; resume it first',
  );
});

test('one of several that was meant is the one that is told of', async () => {
  const details = [exited('c1', 5, 3), { ...app, id: 'c2', name: 'other', state: 'created' }] as const;
  const named = resolveTarget(nodeWith(details), { ...spec, containerName: 'other' }, {});
  await expect(named).rejects.toThrow('in pod default/web, other was created');
});
