/** Runs an experiment through the operator of a cluster: applies it, follows it live, ends it when the user wants that. */
import { ChaosError, createLogger, type Clock } from '@chaosplane/common';
import {
  isFinal,
  statusFrom,
  type ChaosExperiment,
  type ExperimentStatus,
  ABORT_ANNOTATION,
  chaosExperiments,
  type ExperimentObject,
} from '@chaosplane/api';
import { createInformer, type KubeClient } from '@chaosplane/kube';

/** What a run is made of. */
export interface ClusterRun {
  readonly client: KubeClient;
  readonly experiment: ChaosExperiment;
  /** The document as the user wrote it; it is what is applied. */
  readonly document: object;
  readonly clock: Clock;
  /** Aborting it aborts the experiment; everything is recovered first. */
  readonly abort: AbortSignal;
  readonly onStatus: (status: ExperimentStatus) => void;
  readonly say: (line: string) => void;
}

/** After so long without a word, the operator is probably not there. */
const SILENT_MS = 15_000;

const MANAGER = 'chaosplane-cli';

/** Resolves with the final status. */
export async function runOnCluster(run: ClusterRun): Promise<ExperimentStatus> {
  const applied = await begin(run);
  return followExperiment(run, applied);
}

/** What the API server has of an object's status. */
export function statusOf(object: ExperimentObject): ExperimentStatus {
  return statusFrom(object.status, [object.status?.targets ?? []]);
}

/** @throws ChaosError FAILED_PRECONDITION when an experiment of that name has not ended yet. */
async function begin({ client, experiment, document, say }: ClusterRun): Promise<ExperimentObject> {
  const { name, namespace } = experiment.metadata;
  const ref = { name, namespace };
  const before = await client.get(chaosExperiments, ref);
  if (before !== undefined) {
    if (!isFinal(statusOf(before))) {
      const wayOut = `chaosplane abort ${name} -n ${namespace}, or wait`;
      throw new ChaosError('FAILED_PRECONDITION', `the experiment ${namespace}/${name} has not ended yet: ${wayOut}`);
    }
    say(`${name}: replacing the one that has ended (${before.status?.phase ?? ''})`);
    await client.delete(chaosExperiments, ref);
  }
  const metadata = { ...(document as { readonly metadata?: object }).metadata, name, namespace };
  const object = { ...document, metadata } as unknown as ExperimentObject;
  return client.apply(chaosExperiments, object, { fieldManager: MANAGER });
}

/** Follows an experiment that is applied to its end; resolves with the final status. */
export async function followExperiment(
  run: Omit<ClusterRun, 'experiment' | 'document'>,
  applied: ExperimentObject,
): Promise<ExperimentStatus> {
  const { client, clock, abort, onStatus, say } = run;
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
      ended.reject(new ChaosError('ABORTED', `somebody deleted the experiment ${namespace}/${name}`));
      return;
    }
    const status = statusOf(object);
    if (object.status?.phase !== undefined) silence.cancel();
    onStatus(status);
    if (isFinal(status)) ended.resolve(status);
  });
  const end = (): void => {
    const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
    client.patch(chaosExperiments, { name, namespace }, { kind: 'merge', body }).catch(ended.reject);
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
