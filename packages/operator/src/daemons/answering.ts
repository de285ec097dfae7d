/** Whether an experiment still answers for what was found of it: asked of the copy first, and then of the API server. */
import { chaosExperiments, mayBeCut, type ExperimentObject } from '@chaosplane/api';
import type { Informer, KubeClient } from '@chaosplane/kube';
import { answersFor, type ExecutionOwner } from './orphans.ts';

/** What it is asked with. */
export interface AnsweringParts {
  readonly client: KubeClient;
  readonly experiments: Informer<ExperimentObject>;
}

/** An experiment is there before the first of its executions is, so what was found before this is asked cannot be younger. */
export async function experimentAnswers(
  owner: ExecutionOwner,
  { client, experiments }: AnsweringParts,
  signal: AbortSignal,
): Promise<boolean> {
  const { ref, uid } = owner;
  const isThat = ({ metadata }: ExperimentObject): boolean => metadata.uid === uid;
  const cut = mayBeCut(ref.name);
  if (answersFor(cut ? experiments.list().find(isThat) : experiments.get(ref), owner)) return true;
  // The copy may be behind what was written.
  const written = cut
    ? (await client.list(chaosExperiments, { namespace: ref.namespace, signal })).items.find(isThat)
    : await client.get(chaosExperiments, ref, { signal });
  return answersFor(written, owner);
}
