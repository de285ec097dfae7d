/** Follows an experiment or a workflow of a cluster live, and ends it when the caller wants that. */
import { ChaosError, createLogger, type Clock } from '@chaosplane/common';
import { createInformer, type KubeClient, type KubeObject } from '@chaosplane/kube';
import { requestAbort } from './abort.ts';
import type { Runs } from './runs.ts';

/** How it is followed. */
export interface Following<T extends KubeObject> {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Aborting it aborts what is followed; everything is recovered first. */
  readonly abort?: AbortSignal;
  /** Is told when that is asked for; the operator may still have to look at it. */
  readonly onAsked?: () => void;
  /** Aborting it ends the following; what is followed goes on. */
  readonly leave?: AbortSignal;
  readonly onChange: (object: T) => void;
  readonly say: (line: string) => void;
}

/** After so long without a word, the operator is probably not there. */
const SILENT_MS = 15_000;

/**
 * Follows what was applied to its end; resolves with how it is then.
 * @throws ChaosError ABORTED when a user has deleted it; the reason of `leave` when that aborts first.
 */
export async function followRun<T extends KubeObject>(
  runs: Runs<T>,
  { client, clock, abort, onAsked, leave, onChange, say }: Following<T>,
  applied: T,
): Promise<T> {
  const { name, namespace = '', uid } = applied.metadata;
  const ended = Promise.withResolvers<T>();
  const stop = new AbortController();
  const watched = { namespace, fieldSelector: `metadata.name=${name}` };
  const informer = createInformer(client, runs.type, watched, { clock, logger: createLogger({ level: 'silent' }) });
  const silence = clock.after(SILENT_MS, () =>
    say('nothing has happened yet: is the operator installed and running? kubectl get pods -n chaosplane'),
  );
  const gone = (): void =>
    ended.reject(new ChaosError('ABORTED', `a user deleted the ${runs.word} ${namespace}/${name}`));
  informer.onChange(({ type, object }) => {
    if (object.metadata.uid !== uid) return;
    if (type === 'deleted') {
      gone();
      return;
    }
    if (runs.phaseOf(object) !== undefined) silence.cancel();
    onChange(object);
    if (runs.isOver(object)) ended.resolve(object);
  });
  const end = (): void => {
    requestAbort(client, runs, { name, namespace }, leave).then(onAsked, ended.reject);
  };
  const left = (): void => ended.reject(leave?.reason);
  abort?.addEventListener('abort', end, { once: true });
  leave?.addEventListener('abort', left, { once: true });
  if (abort?.aborted === true) end();
  if (leave?.aborted === true) left();
  try {
    // An API server that is away keeps the informer from starting.
    await Promise.race([informer.start(stop.signal), ended.promise]);
    // Before it was followed: then nothing is told of it.
    if (informer.get({ namespace, name })?.metadata.uid !== uid) gone();
    return await ended.promise;
  } finally {
    abort?.removeEventListener('abort', end);
    leave?.removeEventListener('abort', left);
    silence.cancel();
    stop.abort();
  }
}
