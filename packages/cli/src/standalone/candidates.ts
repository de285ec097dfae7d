/** The pods of this machine's container runtime, or the machine itself, as candidates for an experiment. */
import { ChaosError } from '@chaosplane/common';
import type { ContainerRuntime } from '@chaosplane/daemon';
import type { Candidate } from '@chaosplane/lifecycle';
import type { TargetSpec } from '@chaosplane/api';
import type { ChaosDaemonClient } from '@chaosplane/proto';

/** Where candidates are found. */
export interface Machine {
  readonly runtime: ContainerRuntime;
  readonly client: ChaosDaemonClient;
}

/**
 * Everything of the kind that is to be hit, with what decides whether it may be hit.
 * @throws ChaosError FAILED_PRECONDITION when another node than this machine is meant.
 */
export function findCandidates({ runtime, client }: Machine, target: TargetSpec): Promise<Candidate[]> {
  return target.kind === 'Node' ? thisNode(client, target) : podsOf(runtime, target.namespace);
}

/** The machine under the name that its daemon has for it. */
async function thisNode(client: ChaosDaemonClient, { names }: TargetSpec): Promise<Candidate[]> {
  const { nodeName } = await client.getCapabilities({});
  if (names?.includes(nodeName) === false) {
    const wayOut = `name ${nodeName}, or run it through the operator of a cluster with --cluster`;
    const message = `this machine is the node ${nodeName}, which is not among the names ${names.join(', ')}`;
    throw new ChaosError('FAILED_PRECONDITION', `${message}: ${wayOut}`);
  }
  return [{ namespace: '', name: nodeName, uid: nodeName, labels: {}, running: true, hostNetwork: false }];
}

/** Every pod sandbox that is ready. */
async function podsOf(runtime: ContainerRuntime, namespace: string): Promise<Candidate[]> {
  const here = (await runtime.sandboxes()).filter((sandbox) => sandbox.podNamespace === namespace);
  const newest = new Map(
    here.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1)).map((sandbox) => [sandbox.podName, sandbox]),
  );
  return Promise.all(
    [...newest.values()].map(async ({ id, podNamespace, podName, podUid, labels, ready }) => {
      const detail = ready ? await runtime.sandbox(id) : undefined;
      const containers = detail?.ready === true ? await runtime.containers(id) : [];
      const dead = containers.length > 0 && containers.every(({ state }) => state !== 'running');
      return {
        namespace: podNamespace,
        name: podName,
        uid: podUid,
        labels,
        running: detail?.ready === true && !dead,
        ...(dead ? { notRunning: 'not running: none of its containers does' } : {}),
        ...(containers.length === 0 ? {} : { containers: [...new Set(containers.map(({ name }) => name))] }),
        hostNetwork: detail?.hostNetwork ?? false,
      };
    }),
  );
}

/** The first container of a pod that runs, by its name, for actions that ask for a container; a node has none. */
export async function firstContainer(
  runtime: ContainerRuntime,
  { namespace, uid }: Pick<Candidate, 'namespace' | 'uid'>,
): Promise<{ readonly containerId?: string }> {
  if (namespace === '') return {};
  const sandbox = (await runtime.sandboxes()).find(({ podUid, ready }) => ready && podUid === uid);
  const containers = sandbox === undefined ? [] : await runtime.containers(sandbox.id);
  const running = containers.filter(({ state }) => state === 'running').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return running[0] === undefined ? {} : { containerId: running[0].id };
}
