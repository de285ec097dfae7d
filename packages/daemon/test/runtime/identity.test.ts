/** Which request, which pod: the same one twice, a restarted container, a replaced pod, a deleted pod, the node's network. */
import { readdir, readlink, stat } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { systemClock } from '@chaosplane/common';
import { EndReason, ExecutionState, type DeepPartial, type ExecutionOptions } from '@chaosplane/proto';
import { fingerprint, type Pod } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit';
import { Status } from 'nice-grpc';
import { arriving, changesSince, createPodLab, TWENTY, type PodDaemon, type PodEnd, type PodLab } from './pod-lab.ts';

let lab: PodLab;
let target: PodEnd;
let near: PodEnd;
let daemon: PodDaemon;

beforeAll(async () => {
  lab = await createPodLab();
  [target, near] = [await lab.addEnd('target'), await lab.addEnd('near')];
  daemon = await lab.startDaemon();
}, 60_000);

afterAll(async () => {
  await lab.close();
}, 120_000);

afterEach(async () => {
  await daemon.daemon.recoverAll();
});

async function partition(podName: string, options: DeepPartial<ExecutionOptions> = {}, more = {}): Promise<string> {
  const parameters = { podName, targetCidr: near.ipv4, ...more };
  return (await daemon.client.execNetworkChaos({ action: 'partition', parameters, options })).executionId;
}

const cancel = (executionId: string) => daemon.client.cancelChaos({ executionId });

/** Starts a pod that no test holds open. */
const run = (name: string, more: { hostNetwork?: boolean } = {}): Promise<Pod> =>
  lab.testbed.runPod({ name, containers: [{ name: 'app', args: ['serve'] }], ...more });

describe('an idempotency key', () => {
  test('makes equal requests one execution, also when they come together, and after its end', async () => {
    const idempotencyKey = 'once';
    const together = await Promise.all([1, 2, 3].map(() => partition('target', { idempotencyKey })));
    const [executionId = ''] = together;
    expect(new Set(together).size).toBe(1);
    expect(await partition('target', { idempotencyKey })).toBe(executionId);
    await cancel(executionId);
    expect(await partition('target', { idempotencyKey })).toBe(executionId);
    expect(await arriving(target, near)).toBe(TWENTY);
    const { executions } = await daemon.client.listExecutions({ includeEnded: true });
    expect(executions.filter((execution) => execution.idempotencyKey === idempotencyKey)).toHaveLength(1);
  });

  test('of another request is refused, and nothing happens', async () => {
    await partition('target', { idempotencyKey: 'taken' }, { targetCidr: '192.0.2.1' });
    await expect(partition('target', { idempotencyKey: 'taken' })).rejects.toMatchObject({
      code: Status.ALREADY_EXISTS,
      details: expect.stringContaining('use a new key'),
    });
    expect(await arriving(target, near)).toBe(TWENTY);
  });

  test('is not needed to join a fault that is there; after its end, the same request is a new one', async () => {
    const executionId = await partition('target');
    expect(await partition('target')).toBe(executionId);
    await cancel(executionId);
    expect(await partition('target')).not.toBe(executionId);
  });
});

test('a container that restarts leaves the fault of its pod alone, and the fault is undone afterwards', async () => {
  const before = await fingerprint(target.path);
  const executionId = await partition('target', {}, { containerName: 'app' });
  await lab.testbed.restartContainer(target.pod, 'app');
  expect(await arriving(target, near)).toBe(0);
  expect(await arriving(near, target)).toBe(0);
  await cancel(executionId);
  expect(await arriving(target, near)).toBe(TWENTY);
  await eventually('nothing is left', async () => (await changesSince(before, target)).length === 0, {
    withinMs: 5000,
  });
}, 120_000);

test('a pod that is replaced under the same name is not mistaken for the one before', async () => {
  const old = await run('replaced');
  const executionId = await partition('replaced', { podUid: old.uid });
  await lab.testbed.removePod(old.sandboxId);
  const young = await lab.addEnd('replaced');
  expect(young.pod.uid).not.toBe(old.uid);
  const before = await fingerprint(young.path);
  await cancel(executionId);
  const other = await partition('replaced', {}, { targetCidr: '192.0.2.1' });
  await expect(partition('replaced', { podUid: old.uid })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: expect.stringContaining(old.uid),
  });
  await cancel(executionId);
  expect((await daemon.client.getExecution({ executionId: other })).state).toBe(ExecutionState.EXECUTION_STATE_ACTIVE);
  await cancel(other);
  expect(await changesSince(before, young)).toEqual([]);
  expect(await arriving(young, near)).toBe(TWENTY);
  expect((await daemon.client.getExecution({ executionId })).state).toBe(ExecutionState.EXECUTION_STATE_ENDED);
}, 120_000);

test('a deleted pod ends its execution, and its network namespace is let go', async () => {
  const pod = await run('deleted');
  const path = pod.netnsPath ?? '';
  const { ino } = await stat(path);
  // The runtime knows nothing of this pair, so only the end of the namespace itself removes it.
  const witness = `cp${systemClock.randomHex(4)}`;
  await execa('ip', ['link', 'add', witness, 'type', 'veth', 'peer', 'name', 'witness0']);
  try {
    await execa('ip', ['link', 'set', 'witness0', 'netns', String(pod.containers['app']?.pid)]);
    const executionId = await partition('deleted');
    await lab.testbed.removePod(pod.sandboxId);
    await eventually(
      'the execution has ended with its pod',
      async () => {
        const { endReason } = await daemon.client.getExecution({ executionId });
        return endReason === EndReason.END_REASON_TARGET_GONE;
      },
      { withinMs: 5000 },
    );
    await eventually(
      'the daemon has let go of the namespace',
      async () => !(await openFiles()).includes(`net:[${ino}]`),
      { withinMs: 5000 },
    );
    await eventually(
      'the namespace is gone',
      async () => (await execa('ip', ['link', 'show', witness], { reject: false })).failed,
      { withinMs: 5000 },
    );
  } finally {
    await execa('ip', ['link', 'delete', witness], { reject: false });
  }
}, 120_000);

/** What this process, which the daemon runs in, has open. */
async function openFiles(): Promise<string[]> {
  const names = await readdir('/proc/self/fd');
  return Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
}

test("a pod in the node's network is refused, with the way out", async () => {
  const pod = await run('node-pod', { hostNetwork: true });
  await expect(partition('node-pod')).rejects.toMatchObject({
    code: Status.FAILED_PRECONDITION,
    details: expect.stringMatching(/hostNetwork.*choose a pod with a network of its own/),
  });
  // By their tables and qdiscs: a cluster beside this test may have given its links such a name.
  expect(await fingerprint('/proc/self/ns/net')).not.toMatch(/^(table .*chaosplane|qdisc .*c4a0:)/m);
  await lab.testbed.removePod(pod.sandboxId);
}, 120_000);
