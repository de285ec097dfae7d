/** A pod one of whose containers exits again and again: a fault of its network outlives each of them, one of a container ends with it. */
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cri, EndReason, ExecutionState, Verdict, type Execution } from '@chaosplane/proto';
import { fingerprint, type Pod } from '@chaosplane/testbed';
import { cgroupFolder, stressorsIn } from '@chaosplane/testcluster/accounts';
import { eventually } from '@chaosplane/testkit';
import { createChannel, createClient } from 'nice-grpc';
import { openNetnsHandle } from '../../src/host/kernel/netns.ts';
import { changesSince, createPodLab, oneWayTimes, type PodDaemon, type PodEnd, type PodLab } from './pod-lab.ts';

let lab: PodLab;
let daemon: PodDaemon;
let peer: PodEnd;
let pod: Pod;
let target: PodEnd;

beforeAll(async () => {
  lab = await createPodLab();
  peer = await lab.addEnd('peer');
  pod = await lab.testbed.runPod({
    name: 'looping',
    containers: [
      { name: 'steady', args: ['serve'] },
      { name: 'crashing', args: [], command: ['/bin/sh', '-c', 'sleep 2; exit 3'] },
    ],
  });
  const netns = openNetnsHandle(pod.netnsPath!);
  target = { name: 'looping', path: pod.netnsPath!, ipv4: pod.ips.v4, ipv6: pod.ips.v6, netns, pod };
  daemon = await lab.startDaemon();
}, 120_000);

afterAll(async () => {
  target.netns.close();
  await lab.close();
}, 120_000);

const crashing = () => pod.containers['crashing']!;

/** What a kubelet goes by. */
async function hasExited(): Promise<boolean> {
  const channel = createChannel(lab.testbed.runtimeEndpoint);
  try {
    const { status } = await createClient(cri.RuntimeServiceDefinition, channel).containerStatus({
      containerId: crashing().id,
    });
    return status?.state === cri.ContainerState.CONTAINER_EXITED;
  } finally {
    channel.close();
  }
}

/** A kubelet waits longer, 10 s at least, and keeps the last container that has exited; how it ended can be asked for in that time. */
const BACK_OFF_MS = 2000;

/** Starts the container again whenever it has exited, as a kubelet does. */
function keepRestarting() {
  const stop = new AbortController();
  let restarts = 0;
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      if (await hasExited()) {
        await wait(BACK_OFF_MS);
        await lab.testbed.restartContainer(pod, 'crashing');
        restarts += 1;
      }
      await wait(50);
    }
  };
  const ended = loop();
  return {
    restarts: () => restarts,
    /** Resolves when the container has been started this often again. */
    until: (more: number) => {
      const enough = restarts + more;
      return eventually(`${more} restarts`, () => restarts >= enough, { withinMs: 120_000 });
    },
    async stop(): Promise<void> {
      stop.abort();
      await ended;
    },
  };
}

async function ended(executionId: string): Promise<Execution> {
  const get = () => daemon.client.getExecution({ executionId });
  const isEnded = async () => (await get()).state === ExecutionState.EXECUTION_STATE_ENDED;
  await eventually('the execution has ended', isEnded, { withinMs: 60_000 });
  return get();
}

/** A busy machine makes packets late in some tries; a fault that is wrong does so in all. */
async function leastMedian(enoughMs: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < 6 && least > enoughMs; tried++)
    least = Math.min(least, (await oneWayTimes(target, peer)).median);
  return least;
}

test('a delay stays over every restart, stress of the container ends with it, and then nothing is left', async () => {
  const before = await fingerprint(target.path);
  const undisturbed = (await oneWayTimes(target, peer)).median;
  const kubelet = keepRestarting();
  try {
    await kubelet.until(1);
    const delay = await daemon.client.execNetworkChaos({
      experimentId: 'looping',
      action: 'delay',
      parameters: { podName: 'looping', latency: '100ms' },
    });
    for (let round = 0; round < 2; round++) {
      const added = (await leastMedian(undisturbed + 112)) - undisturbed;
      expect(added).toBeGreaterThanOrEqual(88);
      expect(added).toBeLessThanOrEqual(112);
      await kubelet.until(1);
    }
    // Right after a start, so that it has some time to burn.
    const { id } = crashing();
    const stress = await daemon.client.execStressChaos({
      experimentId: 'looping',
      stressorType: 'cpu',
      parameters: { podName: 'looping', containerName: 'crashing' },
    });
    const burnt = await ended(stress.executionId);
    expect(burnt.target).toMatchObject({ podName: 'looping', containerName: 'crashing', containerId: id });
    expect(burnt.endReason).toBe(EndReason.END_REASON_TARGET_GONE);
    expect(burnt.evidence?.summary).toMatch(/container crashing ended with exit code 3 at .*Z$/);
    expect(burnt.evidence?.verdict).toBe(Verdict.VERDICT_VERIFIED);

    await kubelet.until(1);
    const { executionId } = delay;
    const still = await daemon.client.getExecution({ executionId });
    expect(still).toMatchObject({ state: ExecutionState.EXECUTION_STATE_ACTIVE });
    const { evidence } = await daemon.client.cancelChaos({ executionId });
    expect(evidence?.verdict).toBe(Verdict.VERDICT_VERIFIED);
    expect(await changesSince(before, target)).toEqual([]);
    expect(await leastMedian(undisturbed + 12)).toBeLessThan(undisturbed + 12);
    for (const container of Object.values(pod.containers)) {
      if (existsSync(`/proc/${container.pid}`)) expect(stressorsIn(cgroupFolder(container.pid, 'cpuacct'))).toEqual([]);
    }
    expect((await daemon.client.listExecutions({})).executions).toEqual([]);
  } finally {
    await kubelet.stop();
  }
}, 300_000);
