/** The experiment of a workflow's step, as one of its own. */
import { API_VERSION, parseExperiment, type ChaosWorkflow, type Place } from '@chaosplane/api';
import type { ExperimentDocument } from '../documents.ts';

/** Under a name that says whose it is. */
export function experimentOfStep(
  { metadata }: ChaosWorkflow,
  id: string,
  spec: unknown,
  place: Place,
): ExperimentDocument {
  const name = `${metadata.name}-${id}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const { namespace } = metadata;
  const document = { apiVersion: API_VERSION, kind: 'ChaosExperiment', metadata: { name, namespace }, spec };
  return { document, experiment: parseExperiment(document, place) };
}
