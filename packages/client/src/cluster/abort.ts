/** Ends what runs on a cluster before its time. */
import { ABORT_ANNOTATION } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import type { KubeClient, KubeObject, ObjectRef } from '@chaosplane/kube';
import type { Runs } from './runs.ts';

const LOOK_AGAIN_MS = 500;

/** Asks the operator to end it and to recover everything. */
export async function requestAbort<T extends KubeObject>(
  client: KubeClient,
  { type }: Pick<Runs<T>, 'type'>,
  ref: ObjectRef,
  signal?: AbortSignal,
): Promise<void> {
  const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
  await client.patch(type, ref, { kind: 'merge', body }, signal === undefined ? {} : { signal });
}

/** How its end is waited for. */
export interface WaitOptions<T extends KubeObject> {
  readonly clock: Clock;
  /** Ends the wait; what is waited for goes on. */
  readonly signal: AbortSignal;
  /** Is told how it is, at each look. */
  readonly onLook?: (object: T) => void;
}

/**
 * Resolves with the phase in which it has ended; undefined when it was deleted.
 * @throws The signal's reason when that aborts first; KubeError when the API server refuses or cannot be reached.
 */
export async function untilEnded<T extends KubeObject>(
  client: KubeClient,
  runs: Runs<T>,
  ref: ObjectRef,
  { clock, signal, onLook }: WaitOptions<T>,
): Promise<string | undefined> {
  for (;;) {
    const object = await client.get(runs.type, ref, { signal });
    if (object === undefined) return undefined;
    if (runs.isOver(object)) return runs.phaseOf(object);
    onLook?.(object);
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}
