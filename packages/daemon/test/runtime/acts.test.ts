/** What happens once, on real containers over the wire: a container is killed, the processes of a container are listed. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { EndReason, ExecutionState, Verdict } from '@chaosplane/proto';
import type { Pod } from '@chaosplane/testbed';
import { Status } from 'nice-grpc';
import { createPodLab, type PodDaemon, type PodLab } from './pod-lab.ts';

let lab: PodLab;
let daemon: PodDaemon;
/** What the daemon logged, line by line. */
const logged: Record<string, unknown>[] = [];

beforeAll(async () => {
  lab = await createPodLab();
  const write = (line: string): number => logged.push(JSON.parse(line) as Record<string, unknown>);
  daemon = await lab.startDaemon({}, createLogger({ destination: { write } }));
}, 60_000);

afterAll(async () => {
  await lab.close();
}, 60_000);

const pause = (name: string): Promise<Pod> =>
  lab.testbed.runPod({ name, containers: ['one', 'other'].map((each) => ({ name: each, args: ['pause'] })) });

const runs = async ({ id }: { readonly id: string }): Promise<boolean> =>
  lab.testbed.execSync(id, ['ps']).then(
    () => true,
    () => false,
  );

function kill(podName: string, parameters: Readonly<Record<string, string>>, idempotencyKey = '') {
  return daemon.client.execStressChaos({
    experimentId: 'acts',
    stressorType: 'container-kill',
    parameters: { podName, ...parameters },
    options: { idempotencyKey },
  });
}

test('of two containers the named one is killed, and its exit is told', async () => {
  const pod = await pause('pair');
  const { executionId, message, evidence, expiresAt } = await kill('pair', { containerName: 'one' });
  expect(message).toBe('container-kill of container one of pod default/pair (signal) is done');
  expect(evidence).toMatchObject({ verdict: Verdict.VERDICT_VERIFIED, engine: 'signal' });
  expect(evidence?.summary).toMatch(/^container one exited with code 137 at \d{4}-.*Z$/);
  expect(evidence?.counters).toMatchObject({ exit_code: 137n, containers_exited: 1n });
  expect(expiresAt).toBeUndefined();
  expect(await runs(pod.containers['one']!)).toBe(false);
  expect(await runs(pod.containers['other']!)).toBe(true);
  const execution = await daemon.client.getExecution({ executionId });
  expect(execution).toMatchObject({
    state: ExecutionState.EXECUTION_STATE_ENDED,
    endReason: EndReason.END_REASON_DONE,
    target: { podName: 'pair', containerName: 'one', containerId: pod.containers['one']!.id },
  });
}, 120_000);

test('without a name all of them are, by the signal that was asked for; once under one key, and again without', async () => {
  const pod = await pause('all');
  const first = await kill('all', { signal: 'TERM' }, 'once');
  // The application ends itself when it is asked to.
  expect(first.evidence?.summary).toMatch(
    /container one exited with code 0 at .*; container other exited with code 0 at/,
  );
  for (const name of ['one', 'other']) await lab.testbed.restartContainer(pod, name);
  const again = await kill('all', { signal: 'TERM' }, 'once');
  expect(again.executionId).toBe(first.executionId);
  expect(again.message).toContain('was done before with this idempotency key, and not again');
  expect(await runs(pod.containers['one']!)).toBe(true);
  expect((await kill('all', { containerName: 'one' })).executionId).not.toBe(first.executionId);
  expect((await kill('all', { containerName: 'other' })).evidence?.verdict).toBe(Verdict.VERDICT_VERIFIED);
  await expect(kill('all', {})).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION });
}, 60_000);

test('a dry run kills no container', async () => {
  const pod = await pause('spared');
  const { plan } = await daemon.client.execStressChaos({
    stressorType: 'container-kill',
    parameters: { podName: 'spared' },
    options: { dryRun: true },
  });
  expect(plan?.steps.map(({ tool, input }) => [tool, input])).toEqual(
    ['one', 'other'].map((name) => [
      'signal',
      `SIGKILL to process ${pod.containers[name]!.pid} of container ${name}\n`,
    ]),
  );
  expect(await runs(pod.containers['one']!)).toBe(true);
}, 120_000);

test.each([
  ['a container with its own ps', false, 'ps aux', /PID +USER.*chaosplane-app serve/s],
  ['a container of an image without anything', true, '/proc', /^PID\tUID\tCOMMAND\n1\t0\t\/chaosplane-app serve$/],
] as const)(
  'hello world lists the processes of %s, and logs them',
  async (_name, bare, command, output) => {
    const podName = `hello-${bare ? 'bare' : 'shell'}`;
    const pod = await lab.testbed.runPod({ name: podName, containers: [{ name: 'app', args: ['serve'], bare }] });
    const containerId = `containerd://${pod.containers['app']!.id}`;
    const { evidence, executionId } = await daemon.client.execHelloWorldChaos({ containerId });
    expect(evidence).toMatchObject({ verdict: Verdict.VERDICT_VERIFIED, engine: 'exec' });
    const lines = logged.filter((line) => line['executionId'] === executionId);
    expect(lines.map(({ msg }) => msg)).toEqual(['hello world requested', 'hello world answered', 'execution done']);
    expect(lines[0]).toMatchObject({ containerId, target: `container app of pod default/${podName}` });
    expect(lines[1]).toMatchObject({ containerId, command, output: expect.stringMatching(output) });
    expect((await daemon.client.getExecution({ executionId })).endReason).toBe(EndReason.END_REASON_DONE);
  },
  120_000,
);

test('hello world to a container that is not here is told where to ask', async () => {
  await expect(
    daemon.client.execHelloWorldChaos({ containerId: 'containerd://0123456789abcdef' }),
  ).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: expect.stringContaining('ask the daemon of its node'),
  });
});

test('a node whose daemon was not told that it may be restarted is not restarted', async () => {
  await expect(daemon.client.execNodeChaos({ action: 'restart', parameters: {} })).rejects.toMatchObject({
    code: Status.FAILED_PRECONDITION,
    details: expect.stringContaining('--allow-node-restart'),
  });
});
