/** Why a pod is not where it was: what the cluster knows of it. Pure. */
import type { Pod } from '@chaosplane/kube';

/** In words, for the pod of that uid; `pod` is what now has its name. */
export function whyGone(pod: Pod | undefined, uid: string): string {
  if (pod === undefined) return 'its pod was deleted';
  if (pod.metadata.uid !== uid) return 'its pod was deleted, and another one has its name';
  const { phase, reason = '', message = '' } = pod.status ?? {};
  if (reason !== '') return `its pod was ended (${[reason, message].filter(Boolean).join(': ')})`;
  if (pod.metadata.deletionTimestamp !== undefined) return 'its pod is being deleted';
  if (phase === 'Failed' || phase === 'Succeeded') return `its pod has ended (${phase})`;
  return 'its containers were started again, or its network was made again';
}
