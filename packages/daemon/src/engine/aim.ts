/** Finds the containers, or the node, that a fault is aimed at. */
import { ChaosError } from '@chaosplane/common';
import type { ActTarget, Aim } from '../faults/fault.ts';
import type { Container, Host, ProcessRef, SandboxDetail } from '../host/host.ts';
import type { ParsedRequest } from './parse.ts';
import { bareId, findPod, podName } from './target.ts';

type ContainersTarget = Extract<ActTarget, { kind: 'containers' }>;

/**
 * Whom `aim` means on this node.
 * @throws ChaosError NOT_FOUND when nobody, FAILED_PRECONDITION when it is not clear which, or none of them runs.
 */
export async function findAim(host: Host, aim: Aim, pod: ParsedRequest['pod']): Promise<ActTarget> {
  switch (aim.on) {
    case 'node':
      return { kind: 'node', nodeName: host.nodeName };
    case 'container':
      return findContainer(host, aim.containerId, pod);
    case 'pod': {
      const { podNamespace, podName: name, containerName } = aim;
      const named = containerName === undefined ? {} : { containerName };
      const sandbox = await findPod(host.runtime, { podNamespace, podName: name, ...named, ...pod });
      const known = await host.runtime.containers(sandbox.id);
      const running = known.filter(({ state }) => state === 'running').toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const id = pod.containerId === undefined ? undefined : bareId(pod.containerId);
      const chosen = running
        .filter((container) => containerName === undefined || container.name === containerName)
        .filter((container) => id === undefined || container.id === id);
      return targetOf(host, sandbox, chosen, aim.unnamed === 'only');
    }
  }
}

async function findContainer(host: Host, containerId: string, pod: ParsedRequest['pod']): Promise<ContainersTarget> {
  const id = bareId(containerId);
  const container = await host.runtime.container(id);
  const sandbox = container === undefined ? undefined : await host.runtime.sandbox(container.sandboxId);
  const wayOut = 'give it as Kubernetes prints it in the status of the pod, and ask the daemon of its node';
  if (container === undefined || sandbox === undefined)
    throw new ChaosError('NOT_FOUND', `no container ${id} is known here: ${wayOut}`);
  if (pod.podUid !== undefined && pod.podUid !== sandbox.podUid)
    throw new ChaosError('NOT_FOUND', `container ${id} is not of the pod with uid ${pod.podUid}`);
  return targetOf(host, sandbox, container.state === 'running' ? [container] : [], true);
}

async function targetOf(
  host: Host,
  sandbox: SandboxDetail,
  chosen: readonly Container[],
  only: boolean,
): Promise<ContainersTarget> {
  const name = podName(sandbox);
  if (chosen.length === 0)
    throw new ChaosError('FAILED_PRECONDITION', `no such container of ${name} runs now: try again when it does`);
  if (only && chosen.length > 1) {
    const names = chosen.map((container) => container.name).join(', ');
    throw new ChaosError('FAILED_PRECONDITION', `${name} has the containers ${names}: say which by containerName`);
  }
  const containers = await Promise.all(
    chosen.map(async ({ id, name: container }) => ({ id, name: container, process: await processOf(host, id, name) })),
  );
  const { podNamespace, podName: pod, podUid, id: sandboxId } = sandbox;
  return { kind: 'containers', podNamespace, podName: pod, podUid, sandboxId, containers };
}

async function processOf({ runtime, processes }: Host, id: string, pod: string): Promise<ProcessRef> {
  const { pid } = (await runtime.container(id)) ?? {};
  const found = pid === undefined ? undefined : processes.find(pid);
  if (found !== undefined) return found;
  const why = pid === undefined ? 'the runtime tells no process of it' : `its process ${pid} is not seen from here`;
  const wayOut = 'the daemon must see the processes of the node (hostPID)';
  throw new ChaosError('FAILED_PRECONDITION', `container ${id} of ${pod} cannot be reached (${why}): ${wayOut}`);
}

/** Records of the same target take turns. */
export function siteOfTarget(target: ActTarget): string {
  return target.kind === 'node' ? 'node' : target.containers.map(({ id }) => id).join(' ');
}
