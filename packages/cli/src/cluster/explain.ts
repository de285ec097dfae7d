/** What an experiment would do on a cluster: its operator chooses and judges, and its daemons tell what they would do. */
import { chaosExperiments, type ExperimentStatus } from '@chaosplane/api';
import { applyRun, experimentRuns, followRun, reasonOf, statusOf } from '@chaosplane/client';
import { defined } from '@chaosplane/common';
import { isForbidden, nodes, shortName, type KubeClient } from '@chaosplane/kube';
import type { Surroundings } from '../commands/options.ts';
import type { ExperimentDocument } from '../documents.ts';
import type { Explained } from '../output/explanation.ts';
import { nodeReport } from '../output/node-report.ts';
import { FIELD_MANAGER, type Connection } from './connect.ts';

/** Creates the experiment as a dry run, under another name, and deletes it once it has told. */
export async function explainOnCluster(
  document: ExperimentDocument,
  { client }: Pick<Connection, 'client'>,
  { clock, err, interrupted }: Pick<Surroundings, 'clock' | 'err' | 'interrupted'>,
): Promise<Explained> {
  const preview = asDryRun(document);
  const say = (line: string): void => void err.write(`${line}\n`);
  const { metadata } = preview.experiment;
  const application = { client, clock, metadata, document: preview.document, fieldManager: FIELD_MANAGER };
  const applied = await applyRun(experimentRuns, { ...application, signal: interrupted, say });
  try {
    // It is deleted then: nothing of it was in force.
    const following = { client, clock, leave: interrupted, onChange: () => undefined, say };
    const status = statusOf(await followRun(experimentRuns, following, applied));
    const { experiment } = document;
    return { experiment, status, place: 'cluster', ...(await nodesOf(status, client)) };
  } finally {
    // Another user may have explained the same file, and has an object of his own then.
    await client
      .delete(chaosExperiments, applied.metadata, defined({ uid: applied.metadata.uid }))
      .catch((error: unknown) => say(`the dry run ${applied.metadata.name} is left: ${reasonOf(error)}`));
  }
}

/** Those that the targets run on, or are, as far as the user may read nodes. */
async function nodesOf(
  { targets }: ExperimentStatus,
  client: KubeClient,
): Promise<Pick<Explained, 'nodes' | 'nodesUnknown'>> {
  const names = new Set(targets.map(({ node }) => node));
  try {
    const { items } = await client.list(nodes);
    return { nodes: items.filter(({ metadata }) => names.has(metadata.name)).map(nodeReport) };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return { nodesUnknown: 'you may not list nodes; what their daemons would do is told with each target' };
  }
}

/** The same experiment under another name, which changes nothing. */
function asDryRun({ document, experiment }: ExperimentDocument): ExperimentDocument {
  const { spec, metadata } = experiment;
  const named = { ...metadata, name: `${shortName(metadata.name, 240)}-dry-run` };
  const written = (document as { readonly spec: { readonly execution?: object } }).spec;
  return {
    document: { ...document, metadata: named, spec: { ...written, execution: { ...written.execution, dryRun: true } } },
    experiment: { ...experiment, metadata: named, spec: { ...spec, execution: { ...spec.execution, dryRun: true } } },
  };
}
