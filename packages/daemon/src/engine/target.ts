/** Finds the pod that a request means, in the container runtime of this node. */
import { ChaosError } from '@chaosplane/common';
import type { ContainerRuntime, Sandbox, SandboxDetail } from '../host/host.ts';

/** Who is meant. */
export interface TargetQuery {
  readonly podNamespace: string;
  readonly podName: string;
  readonly containerName?: string;
  /** Another pod of that name is not meant. */
  readonly podUid?: string;
  readonly containerId?: string;
}

/** A sandbox whose network namespace can be worked on. */
export interface NetworkTarget {
  readonly sandbox: SandboxDetail;
  readonly netnsPath: string;
}

/** Runtimes whose pods have no network namespace on this kernel. */
const VM_RUNTIMES = /kata|runsc|gvisor|firecracker/;

/**
 * The running sandbox of the pod.
 * @throws ChaosError NOT_FOUND when there is none, FAILED_PRECONDITION when it has no network namespace of its own.
 */
export async function findNetworkTarget(runtime: ContainerRuntime, query: TargetQuery): Promise<NetworkTarget> {
  const name = `pod ${query.podNamespace}/${query.podName}`;
  const found = newestReady(await runtime.sandboxes(), query);
  if (found === undefined) throw notFound(name, query);
  const sandbox = await runtime.sandbox(found.id);
  if (sandbox?.ready !== true) throw notFound(name, query);
  await requireContainer(runtime, sandbox, name, query);
  return { sandbox, netnsPath: requireOwnNetwork(sandbox, name) };
}

function newestReady(sandboxes: readonly Sandbox[], query: TargetQuery): Sandbox | undefined {
  return sandboxes
    .filter((sandbox) => sandbox.ready && sandbox.podName === query.podName)
    .filter((sandbox) => sandbox.podNamespace === query.podNamespace)
    .filter((sandbox) => query.podUid === undefined || sandbox.podUid === query.podUid)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
}

function notFound(name: string, query: TargetQuery): ChaosError {
  const uid = query.podUid === undefined ? '' : ` with uid ${query.podUid}`;
  const wayOut = 'check podName and podNamespace, and that the pod runs on this node';
  return new ChaosError('NOT_FOUND', `${name}${uid} is not running here: ${wayOut}`);
}

async function requireContainer(
  runtime: ContainerRuntime,
  sandbox: SandboxDetail,
  name: string,
  { containerName, containerId }: TargetQuery,
): Promise<void> {
  if (containerName === undefined && containerId === undefined) return;
  const containers = await runtime.containers(sandbox.id);
  const id = containerId?.replace(/^[a-z0-9.-]+:\/\//, '');
  const found = containers.some(
    (container) =>
      (containerName === undefined || container.name === containerName) && (id === undefined || container.id === id),
  );
  if (found) return;
  const names = containers.map((container) => container.name).join(', ');
  throw new ChaosError(
    'NOT_FOUND',
    `${name} has no container ${containerName ?? containerId ?? ''}: it has ${names || 'none'}`,
  );
}

function requireOwnNetwork(sandbox: SandboxDetail, name: string): string {
  if (sandbox.hostNetwork) {
    const why = 'it uses the network of the node (hostNetwork), so a network fault would hit the whole node';
    throw new ChaosError(
      'FAILED_PRECONDITION',
      `${name} cannot be hit: ${why}; choose a pod with a network of its own`,
    );
  }
  if (VM_RUNTIMES.test(sandbox.runtimeHandler)) {
    const why = `it runs in ${sandbox.runtimeHandler}, whose network is not in this kernel`;
    throw new ChaosError('FAILED_PRECONDITION', `${name} cannot be hit: ${why}; choose a pod of an ordinary runtime`);
  }
  if (sandbox.netnsPath === undefined) {
    throw new ChaosError(
      'FAILED_PRECONDITION',
      `${name} cannot be hit: the runtime does not tell its network namespace`,
    );
  }
  return sandbox.netnsPath;
}
