/** Whether an experiment is to end before its time. */
import type { KubeObject } from '@chaosplane/kube/object';
import { ABORT_ANNOTATION } from '../kinds.ts';

/** Why the object's owner wants it to end now; undefined when it may go on. */
export function whyAbort({ metadata }: Pick<KubeObject, 'metadata'>): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return 'the experiment was deleted';
  if (metadata.annotations?.[ABORT_ANNOTATION] === 'true') return `aborted by the annotation ${ABORT_ANNOTATION}`;
  return undefined;
}
