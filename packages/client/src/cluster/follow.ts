/** Follows an experiment of a cluster live, and ends it when the caller wants that. */
import { chaosExperiments, isFinal, type ExperimentObject, type ExperimentStatus } from '@chaosplane/api';
import { ChaosError, createLogger, type Clock } from '@chaosplane/common';
import { createInformer, type KubeClient } from '@chaosplane/kube';
import { requestAbort } from './abort.ts';
import { statusOf } from './status.ts';

/** How an experiment is followed. */
export interface Following {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Aborting it aborts the experiment; everything is recovered first. */
  readonly abort: AbortSignal;
  readonly onStatus: (status: ExperimentStatus) => void;
  readonly say: (line: string) => void;
}

/** After so long without a word, the operator is probably not there. */
const SILENT_MS = 15_000;

/** Follows an experiment that is applied to its end; resolves with the final status. */
export async function followExperiment(
  { client, clock, abort, onStatus, say }: Following,
  applied: ExperimentObject,
): Promise<ExperimentStatus> {
  const { name, namespace = '', uid } = applied.metadata;
  const ended = Promise.withResolvers<ExperimentStatus>();
  const stop = new AbortController();
  const watched = { namespace, fieldSelector: `metadata.name=${name}` };
  const informer = createInformer(client, chaosExperiments, watched, {
    clock,
    logger: createLogger({ level: 'silent' }),
  });
  const silence = clock.after(SILENT_MS, () =>
    say('nothing has happened yet: is the operator installed and running? kubectl get pods -n chaosplane'),
  );
  informer.onChange(({ type, object }) => {
    if (object.metadata.uid !== uid) return;
    if (type === 'deleted') {
      ended.reject(new ChaosError('ABORTED', `a user deleted the experiment ${namespace}/${name}`));
      return;
    }
    const status = statusOf(object);
    if (object.status?.phase !== undefined) silence.cancel();
    onStatus(status);
    if (isFinal(status)) ended.resolve(status);
  });
  const end = (): void => {
    requestAbort(client, { name, namespace }).catch(ended.reject);
  };
  abort.addEventListener('abort', end, { once: true });
  if (abort.aborted) end();
  try {
    await informer.start(stop.signal);
    return await ended.promise;
  } finally {
    abort.removeEventListener('abort', end);
    silence.cancel();
    stop.abort();
  }
}
