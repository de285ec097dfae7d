/** Finds the pod that a request means, in the container runtime of this node. */
import { ChaosError } from '@chaosplane/common';
import type { ContainerRuntime, Sandbox, SandboxDetail } from '../../contract/host.ts';
import { podName } from './name.ts';

/** Who is meant. */
export interface PodQuery {
  readonly podNamespace: string;
  readonly podName: string;
  readonly containerName?: string;
  /** Another pod of that name is not meant. */
  readonly podUid?: string;
  readonly containerId?: string;
}

/** Runtimes whose pods have a kernel of their own, or something that takes its place. */
const VM_RUNTIMES = /kata|runsc|gvisor|firecracker/;

/**
 * What the pod runs in when that is not this kernel: `runsc`, or `io.containerd.runsc.v1`. The runtime's type says it where the
 * runtime tells one, as containerd does; a handler may have any name.
 */
export function ownKernelOf({ runtimeHandler, runtimeType }: Pick<SandboxDetail, 'runtimeHandler' | 'runtimeType'>) {
  return [runtimeHandler, runtimeType].find((each) => each !== undefined && VM_RUNTIMES.test(each));
}

/** `containerd://4f6a…` → `4f6a…`. */
export function bareId(containerId: string): string {
  return containerId.replace(/^[a-z0-9.-]+:\/\//, '');
}

/**
 * The running sandbox of the pod; where a container is asked for, the pod has it.
 * @throws ChaosError NOT_FOUND when there is none.
 */
export async function findPod(runtime: ContainerRuntime, query: PodQuery): Promise<SandboxDetail> {
  const name = podName(query);
  const found = newestReady(await runtime.sandboxesOf(query), query);
  if (found === undefined) throw notFound(name, query);
  const sandbox = await runtime.describe(found);
  if (sandbox?.ready !== true) throw notFound(name, query);
  await requireContainer(runtime, sandbox, name, query);
  return sandbox;
}

function newestReady(sandboxes: readonly Sandbox[], query: PodQuery): Sandbox | undefined {
  return sandboxes
    .filter((sandbox) => sandbox.ready && sandbox.podName === query.podName)
    .filter((sandbox) => sandbox.podNamespace === query.podNamespace)
    .filter((sandbox) => query.podUid === undefined || sandbox.podUid === query.podUid)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
}

function notFound(name: string, query: PodQuery): ChaosError {
  const uid = query.podUid === undefined ? '' : ` with uid ${query.podUid}`;
  const wayOut = 'check podName and podNamespace, and that the pod runs on this node';
  return new ChaosError('NOT_FOUND', `${name}${uid} is not running here: ${wayOut}`);
}

async function requireContainer(
  runtime: ContainerRuntime,
  sandbox: SandboxDetail,
  name: string,
  { containerName, containerId }: PodQuery,
): Promise<void> {
  if (containerName === undefined && containerId === undefined) return;
  const containers = await runtime.containers(sandbox.id);
  const id = containerId === undefined ? undefined : bareId(containerId);
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

/**
 * Where the network namespace of the pod can be opened.
 * @throws ChaosError FAILED_PRECONDITION when it has none of its own.
 */
export function requireOwnNetwork(sandbox: SandboxDetail, name: string): string {
  if (sandbox.hostNetwork) {
    const why = 'it uses the network of the node (hostNetwork), so a network fault would hit the whole node';
    throw new ChaosError(
      'FAILED_PRECONDITION',
      `${name} cannot be hit: ${why}; choose a pod with a network of its own`,
    );
  }
  const ownKernel = ownKernelOf(sandbox);
  if (ownKernel !== undefined) {
    const why = `it runs in ${ownKernel}, whose network is not in this kernel`;
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
