/** Which container of a pod an action means that asks for one. Pure. */
import type { Pod } from '@chaosplane/kube';

/** The first container in the order of the pod's spec that runs; undefined when none does, or the pod is another one. */
export function runningContainer(pod: Pod | undefined, uid: string): string | undefined {
  if (pod?.metadata.uid !== uid) return undefined;
  const running = (pod.status?.containerStatuses ?? []).filter(({ state }) => state?.running !== undefined);
  const names = (pod.spec?.containers ?? []).map(({ name }) => name);
  return running.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))[0]?.containerID;
}
