/** Applies an experiment or a workflow to a cluster. */
import { ChaosError, defined, type Clock } from '@chaosplane/common';
import type { Applied, KubeClient, KubeObject, ObjectRef } from '@chaosplane/kube';
import type { Runs } from './runs.ts';

/** What is applied, and where. */
export interface Application {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly metadata: { readonly name: string; readonly namespace: string };
  /** The document as the user wrote it; it is what is applied. */
  readonly document: object;
  /** The program that writes, to server-side apply. */
  readonly fieldManager: string;
  /** Ends the wait for one that is to be replaced; then nothing is applied. */
  readonly signal?: AbortSignal;
  /** Is told when one that has ended is replaced. */
  readonly say: (line: string) => void;
}

/** How long one that has ended may take to be gone: an operator lets go of it first. Milliseconds. */
const PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 100;

/**
 * Applies it; one of that name that has ended is replaced.
 * @throws ChaosError FAILED_PRECONDITION when one of that name has not ended yet, or does not go away; the reason of `signal`.
 */
export async function applyRun<T extends KubeObject>(
  runs: Runs<T>,
  { client, clock, metadata: { name, namespace }, document, fieldManager, signal, say }: Application,
): Promise<T> {
  const ref = { name, namespace };
  const before = await client.get(runs.type, ref);
  if (before !== undefined) {
    if (!runs.isOver(before)) {
      const wayOut = `chaosplane abort ${name} -n ${namespace}, or wait`;
      throw new ChaosError('FAILED_PRECONDITION', `the ${runs.word} ${namespace}/${name} has not ended yet: ${wayOut}`);
    }
    say(`${name}: replacing the one that has ended (${runs.phaseOf(before) ?? ''})`);
    await client.delete(runs.type, ref);
    // What is applied to one that is on its way out goes with it.
    await untilGone(runs, ref, before, { client, clock, ...defined({ signal }) });
  }
  signal?.throwIfAborted();
  const metadata = { ...(document as { readonly metadata?: object }).metadata, name, namespace };
  return client.apply(runs.type, { ...document, metadata } as unknown as Applied<T>, { fieldManager });
}

async function untilGone<T extends KubeObject>(
  { type, word }: Runs<T>,
  ref: ObjectRef,
  { metadata: { uid } }: T,
  { client, clock, signal }: Pick<Application, 'client' | 'clock' | 'signal'>,
): Promise<void> {
  const deadline = clock.monotonic() + PATIENCE_MS;
  while ((await client.get(type, ref))?.metadata.uid === uid) {
    if (clock.monotonic() > deadline) {
      const why = 'its finalizers keep it; does the operator run?';
      throw new ChaosError('FAILED_PRECONDITION', `the ${word} ${ref.name} that has ended is not gone: ${why}`);
    }
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}
