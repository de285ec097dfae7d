/** Applies an experiment to a cluster. */
import { chaosExperiments, isFinal, type ChaosExperiment, type ExperimentObject } from '@chaosplane/api';
import { ChaosError } from '@chaosplane/common';
import type { KubeClient } from '@chaosplane/kube';
import { statusOf } from './status.ts';

/** What is applied, and where. */
export interface Application {
  readonly client: KubeClient;
  readonly experiment: ChaosExperiment;
  /** The document as the user wrote it; it is what is applied. */
  readonly document: object;
  /** The program that writes, to server-side apply. */
  readonly fieldManager: string;
  /** Is told when an experiment that has ended is replaced. */
  readonly say: (line: string) => void;
}

/**
 * Applies an experiment; one of that name that has ended is replaced.
 * @throws ChaosError FAILED_PRECONDITION when an experiment of that name has not ended yet.
 */
export async function applyExperiment({
  client,
  experiment,
  document,
  fieldManager,
  say,
}: Application): Promise<ExperimentObject> {
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
  return client.apply(chaosExperiments, object, { fieldManager });
}
