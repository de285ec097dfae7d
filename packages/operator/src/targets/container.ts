/** The containers of a pod, and which one an action means that asks for one. Pure. */
import type { Container, Pod } from '@chaosplane/kube';

/** Containers that are there while the pod runs: of the init containers those alone that go on beside the others (native sidecars). */
export function lastingContainers({ spec }: Pod): readonly Container[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(spec?.containers ?? []), ...sidecars];
}

/**
 * The first container in the order of the pod's spec that runs, native sidecars after the others; undefined when none does, or
 * the pod is another one. The status of a sidecar is among those of the init containers.
 */
export function runningContainer(pod: Pod | undefined, uid: string): string | undefined {
  if (pod?.metadata.uid !== uid) return undefined;
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const running = new Map(statuses.filter(({ state }) => state?.running !== undefined).map((one) => [one.name, one]));
  const first = lastingContainers(pod).find(({ name }) => running.has(name));
  return running.get(first?.name ?? '')?.containerID;
}
