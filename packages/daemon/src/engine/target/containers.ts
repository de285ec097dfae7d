/** Finds the containers that a fault targets. */
import { ChaosError, systemClock } from '@chaosplane/common';
import type { ResolvedTarget, WantedTarget } from '../../faults/fault.ts';
import type { Container, Host, ProcessRef, SandboxDetail } from '../../contract/host.ts';
import type { ParsedRequest } from '../parse.ts';
import { noneRuns, requireThawed } from './container-states.ts';
import { podName } from './name.ts';
import { bareId, findPod, ownKernelOf } from './pod.ts';

type ContainersTarget = Extract<ResolvedTarget, { kind: 'containers' }>;

/**
 * The running containers of a pod, or the one that is named.
 * @throws ChaosError NOT_FOUND when the pod does not run here, FAILED_PRECONDITION when none of its containers runs, or when the
 * request must name one and does not.
 */
export async function findContainers(
  host: Host,
  { podNamespace, podName: name, containerName, unnamed, inside }: Extract<WantedTarget, { on: 'pod' }>,
  pod: ParsedRequest['pod'],
): Promise<ContainersTarget> {
  const named = containerName === undefined ? {} : { containerName };
  const sandbox = await findPod(host.runtime, { podNamespace, podName: name, ...named, ...pod });
  const known = await host.runtime.containers(sandbox.id);
  const running = known.filter(({ state }) => state === 'running').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const id = pod.containerId === undefined ? undefined : bareId(pod.containerId);
  const chosen = running
    .filter((container) => containerName === undefined || container.name === containerName)
    .filter((container) => id === undefined || container.id === id);
  if (chosen.length === 0) throw await noneRuns(host, sandbox, known, { containerName, id });
  if (inside === true) requireOwnProcesses(sandbox);
  const target = await targetOf(host, sandbox, chosen, unnamed === 'only');
  if (inside === true) await requireNoneBeside(host, target, running);
  return target;
}

/**
 * The running container with that id.
 * @throws ChaosError NOT_FOUND when the runtime does not know it, FAILED_PRECONDITION when it does not run.
 */
export async function findContainer(
  host: Host,
  containerId: string,
  pod: ParsedRequest['pod'],
): Promise<ContainersTarget> {
  const id = bareId(containerId);
  const container = await host.runtime.container(id);
  const sandbox = container === undefined ? undefined : await host.runtime.sandbox(container.sandboxId);
  const wayOut = 'give it as Kubernetes prints it in the status of the pod, and ask the daemon of its node';
  if (container === undefined || sandbox === undefined)
    throw new ChaosError('NOT_FOUND', `no container ${id} is known here: ${wayOut}`);
  if (pod.podUid !== undefined && pod.podUid !== sandbox.podUid)
    throw new ChaosError('NOT_FOUND', `container ${id} is not of the pod with uid ${pod.podUid}`);
  if (container.state !== 'running') throw await noneRuns(host, sandbox, [container], { id });
  return targetOf(host, sandbox, [container], true);
}

async function targetOf(
  host: Host,
  sandbox: SandboxDetail,
  chosen: readonly Container[],
  only: boolean,
): Promise<ContainersTarget> {
  const name = podName(sandbox);
  if (only && chosen.length > 1) {
    const names = chosen.map((container) => container.name).join(', ');
    throw new ChaosError('FAILED_PRECONDITION', `${name} has the containers ${names}: say which by containerName`);
  }
  const containers = await Promise.all(
    chosen.map(async ({ id, name: container }) => ({ id, name: container, process: await processOf(host, id, name) })),
  );
  requireThawed(host, containers, name);
  const { podNamespace, podName: pod, podUid, id: sandboxId } = sandbox;
  return { kind: 'containers', podNamespace, podName: pod, podUid, sandboxId, containers };
}

/** @throws ChaosError FAILED_PRECONDITION for a pod that is not in this kernel. */
function requireOwnProcesses(sandbox: SandboxDetail): void {
  const ownKernel = ownKernelOf(sandbox);
  if (ownKernel !== undefined) throw oneProcess(podName(sandbox), `it runs in ${ownKernel}`);
}

/** The same where the runtime does not tell: there, one process stands for all containers of the pod. */
async function requireNoneBeside({ runtime }: Host, target: ContainersTarget, running: readonly Container[]) {
  if (running.length < 2) return;
  const details = await Promise.all(running.map(({ id }) => runtime.container(id)));
  const sharing = target.containers.find(({ id, process }) =>
    details.some((other) => other !== undefined && other.id !== id && other.pid === process.pid),
  );
  if (sharing !== undefined)
    throw oneProcess(podName(target), `process ${sharing.process.pid} is several of its containers`);
}

function oneProcess(pod: string, why: string): ChaosError {
  const wayOut =
    'what is done to one of its containers there is done to the whole pod: use pod-kill, or choose a pod of an ordinary runtime';
  return new ChaosError('FAILED_PRECONDITION', `a container of ${pod} cannot be hit by itself (${why}): ${wayOut}`);
}

/** How long a runtime may take to notice that a process has ended. */
const [NOTICE_MS, LOOK_EVERY_MS] = [1000, 50];

async function processOf({ runtime, processes }: Host, id: string, pod: string): Promise<ProcessRef> {
  const deadline = systemClock.monotonic() + NOTICE_MS;
  for (;;) {
    const container = await runtime.container(id);
    const pid = container?.pid;
    const found = pid === undefined ? undefined : processes.find(pid);
    if (found !== undefined) return found;
    // It may have ended since it was listed.
    if (container?.state !== 'running') {
      const how = container?.exitCode === undefined ? '' : ` with code ${container.exitCode}`;
      const why = `container ${id} of ${pod} has just ended${how}`;
      throw new ChaosError('FAILED_PRECONDITION', `${why}: try again when it runs`);
    }
    if (systemClock.monotonic() > deadline) {
      const why = pid === undefined ? 'the runtime tells no process of it' : `its process ${pid} is not seen from here`;
      const wayOut = 'the daemon must see the processes of the node (hostPID)';
      throw new ChaosError('FAILED_PRECONDITION', `container ${id} of ${pod} cannot be reached (${why}): ${wayOut}`);
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}
