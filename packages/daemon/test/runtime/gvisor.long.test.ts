/** Pods in gVisor, under a handler whose name does not say so: what cannot be felt there, or would hit the whole pod, is refused. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Verdict } from '@chaosplane/proto';
import { SANDBOXED, type Pod } from '@chaosplane/testbed';
import { Status } from 'nice-grpc';
import { createPodLab, type PodDaemon, type PodLab } from './pod-lab.ts';

let lab: PodLab;
let daemon: PodDaemon;
let pod: Pod;

beforeAll(async () => {
  lab = await createPodLab();
  const containers = ['one', 'other'].map((name) => ({ name, args: ['pause'] }));
  pod = await lab.testbed.runPod({ name: 'safe', handler: SANDBOXED, containers });
  daemon = await lab.startDaemon();
}, 90_000);

afterAll(() => lab.close(), 60_000);

test('its containers are one process of the node', () => {
  expect(pod.containers['one']!.pid).toBe(pod.containers['other']!.pid);
});

test.each(['delay', 'loss', 'partition'])(
  'a network fault, %s, is refused: its network is not in this kernel',
  async (action) => {
    const parameters = { podName: 'safe', latency: '10ms', percent: '10' };
    const wanted = { delay: ['latency'], loss: ['percent'], partition: [] }[action] ?? [];
    const given = Object.entries(parameters).filter(([name]) => name === 'podName' || wanted.includes(name as never));
    await expect(
      daemon.client.execNetworkChaos({ experimentId: 'gvisor', action, parameters: Object.fromEntries(given) }),
    ).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      details: expect.stringContaining('it runs in io.containerd.runsc.v1'),
    });
  },
  120_000,
);

test.each([
  ['container-kill', {}],
  ['io', { path: '/' }],
])(
  '%s of one of its containers is refused, and both run on',
  async (stressorType, parameters) => {
    await expect(
      daemon.client.execStressChaos({
        experimentId: 'gvisor',
        stressorType,
        parameters: { podName: 'safe', containerName: 'one', ...parameters },
      }),
    ).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION, details: expect.stringContaining('use pod-kill') });
    for (const name of ['one', 'other'])
      expect((await lab.testbed.execSync(pod.containers[name]!.id, ['ls', '/'])).exitCode).toBe(0);
  },
  120_000,
);

test('hello world lists the processes that the container sees', async () => {
  const containerId = pod.containers['one']!.id;
  const { evidence } = await daemon.client.execHelloWorldChaos({ containerId });
  expect(evidence).toMatchObject({ verdict: Verdict.VERDICT_VERIFIED, engine: 'exec' });
  expect(evidence?.summary).toContain('listed by ps aux');
}, 120_000);
