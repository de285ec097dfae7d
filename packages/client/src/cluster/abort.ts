/** Ends experiments of a cluster before their time. */
import { ABORT_ANNOTATION, chaosExperiments, isFinal } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import type { KubeClient, ObjectRef } from '@chaosplane/kube';
import { statusOf } from './status.ts';

const LOOK_AGAIN_MS = 500;

/** Asks the operator to end the experiment and to recover everything. */
export async function requestAbort(client: KubeClient, ref: ObjectRef, signal?: AbortSignal): Promise<void> {
  const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
  await client.patch(chaosExperiments, ref, { kind: 'merge', body }, signal === undefined ? {} : { signal });
}

/** Resolves with the phase in which the experiment has ended; undefined when it was deleted. */
export async function untilEnded(client: KubeClient, ref: ObjectRef, clock: Clock): Promise<string | undefined> {
  for (;;) {
    const object = await client.get(chaosExperiments, ref);
    if (object === undefined) return undefined;
    const status = statusOf(object);
    if (isFinal(status)) return status.phase;
    await clock.sleep(LOOK_AGAIN_MS);
  }
}
