/** The pods of this machine's container runtime, as candidates for an experiment. */
import type { ContainerRuntime } from '@chaosplane/daemon';
import type { Candidate } from '@chaosplane/experiment';

/** Every pod sandbox that is ready, with what decides whether it may be hit. */
export async function findCandidates(runtime: ContainerRuntime, namespace: string): Promise<Candidate[]> {
  const here = (await runtime.sandboxes()).filter((sandbox) => sandbox.podNamespace === namespace);
  const newest = new Map(
    here.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1)).map((sandbox) => [sandbox.podName, sandbox]),
  );
  return Promise.all(
    [...newest.values()].map(async ({ id, podNamespace, podName, podUid, labels, ready }) => {
      const detail = ready ? await runtime.sandbox(id) : undefined;
      return {
        namespace: podNamespace,
        name: podName,
        uid: podUid,
        labels,
        running: detail?.ready === true,
        hostNetwork: detail?.hostNetwork ?? false,
      };
    }),
  );
}

/** The first container of a pod that runs, by its name, for actions that ask for a container. */
export async function firstContainer(
  runtime: ContainerRuntime,
  { uid }: Pick<Candidate, 'uid'>,
): Promise<{ readonly containerId?: string }> {
  const sandbox = (await runtime.sandboxes()).find(({ podUid, ready }) => ready && podUid === uid);
  const containers = sandbox === undefined ? [] : await runtime.containers(sandbox.id);
  const running = containers.filter(({ state }) => state === 'running').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return running[0] === undefined ? {} : { containerId: running[0].id };
}
