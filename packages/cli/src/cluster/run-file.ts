/** `chaosplane run` with a cluster: the experiments of a file, one after another, through its operator. */
import { type ExperimentStatus, chaosExperiments } from '@chaosplane/api';
import { applyExperiment, followExperiment } from '@chaosplane/client';
import { shortName } from '@chaosplane/kube';
import { changesOf, readExperiments, type ExperimentDocument, type FileFlags } from '../documents.ts';
import type { Surroundings } from '../commands/options.ts';
import { createProgress } from '../output/progress.ts';
import { exitCodeOf, worstOf } from '../output/verdict.ts';
import { connectCluster, tellPlace, type ClusterFlags, type Connection } from './connect.ts';

/** What writes, to server-side apply. */
const FIELD_MANAGER = 'chaosplane-cli';

/** Flags of `run` that mean something on a cluster. */
export interface ClusterRunFlags extends ClusterFlags, FileFlags {
  readonly output: 'text' | 'json';
  readonly dryRun?: boolean;
}

/** Resolves with the exit code: the worst of all. */
export async function runFileOnCluster(
  file: string,
  flags: ClusterRunFlags,
  surroundings: Surroundings,
): Promise<number> {
  const connection = connectCluster(flags, surroundings);
  tellPlace(surroundings.err, connection);
  const changes = { ...changesOf(flags), defaultNamespace: connection.namespace };
  const documents = await readExperiments(file, { place: 'cluster', stdin: surroundings.stdin, changes });
  const exitCodes: number[] = [];
  for (const one of documents) {
    const preview = flags.dryRun === true ? asDryRun(one) : one;
    exitCodes.push(exitCodeOf(await runOne(preview, flags, connection, surroundings)));
    if (flags.dryRun === true) await connection.client.delete(chaosExperiments, preview.experiment.metadata);
    if (surroundings.interrupted.aborted) break;
  }
  return worstOf(exitCodes);
}

async function runOne(
  { document, experiment }: ExperimentDocument,
  { output }: ClusterRunFlags,
  { client }: Connection,
  { clock, out, interrupted }: Surroundings,
): Promise<ExperimentStatus> {
  const progress = createProgress({ experiment, clock, out, format: output });
  const tell = (): void => progress.say('ending the experiment; the operator recovers everything first …');
  interrupted.addEventListener('abort', tell, { once: true });
  try {
    const say = (line: string): void => progress.say(line);
    const applied = await applyExperiment({ client, experiment, document, fieldManager: FIELD_MANAGER, say });
    const onStatus = (current: ExperimentStatus): void => progress.status(current);
    const status = await followExperiment({ client, clock, abort: interrupted, onStatus, say }, applied);
    progress.result(status);
    return status;
  } finally {
    interrupted.removeEventListener('abort', tell);
  }
}

/** The same experiment under another name, which changes nothing and is deleted afterwards. */
function asDryRun({ document, experiment }: ExperimentDocument): ExperimentDocument {
  const { spec, metadata } = experiment;
  const named = { ...metadata, name: `${shortName(metadata.name, 240)}-dry-run` };
  const written = (document as { readonly spec: { readonly execution?: object } }).spec;
  return {
    document: { ...document, metadata: named, spec: { ...written, execution: { ...written.execution, dryRun: true } } },
    experiment: { ...experiment, metadata: named, spec: { ...spec, execution: { ...spec.execution, dryRun: true } } },
  };
}
